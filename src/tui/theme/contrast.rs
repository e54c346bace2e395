//! How far apart two colours are for the eye: WCAG 2's contrast ratio, and what is left of a difference for eyes that
//! lack one kind of cone.

/// Red, green and blue.
pub(super) type Rgb = (u8, u8, u8);

/// One channel of sRGB as light, 0 to 1 (IEC 61966-2-1).
fn linear(channel: u8) -> f64 {
    let value = f64::from(channel) / 255.0;
    if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
}

fn luminance((r, g, b): Rgb) -> f64 {
    0.0722f64.mul_add(linear(b), 0.2126f64.mul_add(linear(r), 0.7152 * linear(g)))
}

/// The ratio of <https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio>: 1 to 21.
pub(super) fn ratio(a: Rgb, b: Rgb) -> f64 {
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

/// Eyes without one kind of cone: what each makes of light (Machado, Oliveira, Fernandes 2009, severity 1).
#[cfg(test)]
pub(super) const EYES: [(&str, [[f64; 3]; 3]); 3] = [
    (
        "red-blind",
        [[0.152_286, 1.052_583, -0.204_868], [0.114_503, 0.786_281, 0.099_216], [-0.003_882, -0.048_116, 1.051_998]],
    ),
    (
        "green-blind",
        [[0.367_322, 0.860_646, -0.227_968], [0.280_085, 0.672_501, 0.047_413], [-0.011_820, 0.042_940, 0.968_881]],
    ),
    (
        "blue-blind",
        [[1.255_528, -0.076_749, -0.178_779], [-0.078_411, 0.930_809, 0.147_602], [0.004_733, 0.691_367, 0.303_900]],
    ),
];

/// How far apart such eyes see two colours: 0 to 441, the length in sRGB.
#[cfg(test)]
pub(super) fn seen_apart(eyes: &[[f64; 3]; 3], a: Rgb, b: Rgb) -> f64 {
    let seen = |(r, g, b): Rgb| {
        let light = [linear(r), linear(g), linear(b)];
        eyes.map(|row| {
            let value: f64 = row.iter().zip(light).map(|(weight, light)| weight * light).sum();
            let value = value.clamp(0.0, 1.0);
            let channel =
                if value <= 0.003_130_8 { 12.92 * value } else { 1.055f64.mul_add(value.powf(1.0 / 2.4), -0.055) };
            255.0 * channel
        })
    };
    seen(a).iter().zip(seen(b)).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ratio_is_the_standards() {
        assert!((ratio((0, 0, 0), (255, 255, 255)) - 21.0).abs() < 0.001);
        // The lightest grey that passes on white: #767676.
        assert!((ratio((0x76, 0x76, 0x76), (255, 255, 255)) - 4.54).abs() < 0.01);
        assert!((ratio((9, 9, 9), (9, 9, 9)) - 1.0).abs() < f64::EPSILON);
    }

    #[test]
    fn a_red_and_a_green_are_nearly_one_for_eyes_without_either_cone() {
        let (green, red) = ((0x50, 0x80, 0), (0xb0, 0x50, 0));
        for (name, eyes) in &EYES[..2] {
            assert!(seen_apart(eyes, green, red) < 40.0, "{name}");
        }
        assert!(seen_apart(&EYES[2].1, green, red) > 100.0);
    }
}
