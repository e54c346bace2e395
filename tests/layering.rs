//! The layers point one way: a module may name only modules below it, and no two name each other.

#![expect(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// From the lowest up: each may import those before it. `config` sees only `domain`.
const LAYERS: [(&str, &[&str]); 8] = [
    ("domain", &[]),
    ("config", &["domain"]),
    ("journal", &["domain"]),
    ("engine", &["domain", "journal"]),
    ("providers", &["domain", "config", "journal", "engine"]),
    ("tabletop", &["domain", "journal", "engine", "providers"]),
    ("tui", &["domain", "journal", "engine", "tabletop"]),
    ("cli", &["domain", "config", "journal", "engine", "providers", "tabletop", "tui"]),
];

fn sources(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push(path);
        }
    }
}

/// The top-level modules that a file names after `crate::`, also in a braced import.
fn named(text: &str) -> BTreeSet<String> {
    let word = |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let mut found = BTreeSet::new();
    for (at, _) in text.match_indices("crate::") {
        let rest = &text[at + "crate::".len()..];
        match rest.strip_prefix('{') {
            None => {
                found.insert(word(rest));
            }
            Some(list) => {
                let mut depth = 0_i32;
                let mut start = true;
                for (index, character) in list.char_indices() {
                    match character {
                        '{' => depth += 1,
                        '}' if depth == 0 => break,
                        '}' => depth -= 1,
                        ',' if depth == 0 => start = true,
                        c if start && depth == 0 && c.is_alphabetic() => {
                            found.insert(word(&list[index..]));
                            start = false;
                        }
                        _ => {}
                    }
                }
            }
        }
    }
    found
}

/// Layer → the layers it names, with one file as a witness.
fn imports() -> BTreeMap<String, BTreeMap<String, PathBuf>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    let mut imports: BTreeMap<String, BTreeMap<String, PathBuf>> = BTreeMap::new();
    for file in files {
        let relative = file.strip_prefix(&root).unwrap();
        let first = relative.components().next().unwrap().as_os_str().to_str().unwrap();
        let layer = first.trim_end_matches(".rs").to_owned();
        if layer == "lib" || layer == "main" {
            continue;
        }
        for name in named(&fs::read_to_string(&file).unwrap()) {
            imports.entry(layer.clone()).or_default().entry(name).or_insert_with(|| relative.to_owned());
        }
    }
    imports
}

#[test]
fn layers_point_one_way() {
    let imports = imports();
    let known: BTreeMap<&str, &[&str]> = LAYERS.into_iter().collect();
    for (layer, names) in &imports {
        let allowed = known.get(layer.as_str()).unwrap_or_else(|| panic!("{layer} is no layer: add it on purpose"));
        for (name, witness) in names {
            let fine = name == layer || allowed.contains(&name.as_str());
            assert!(fine, "{layer} must not import {name}: {}", witness.display());
        }
    }
    assert!(imports["engine"].contains_key("domain"), "the test sees imports at all");
}

#[test]
fn braced_imports_are_seen() {
    let text = "use crate::{domain::{A, B}, journal::C, engine};\nlet x = crate::tui::y();";
    let expected: BTreeSet<String> = ["domain", "journal", "engine", "tui"].map(str::to_owned).into();
    assert_eq!(named(text), expected);
}

/// The console knows the engine and its events and never names a provider.
#[test]
fn the_console_names_no_provider() {
    let mut files = Vec::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/tui"), &mut files);
    for file in files {
        let text = fs::read_to_string(&file).unwrap().to_lowercase();
        // Sample data of tests may say what it likes.
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        let sample = file.to_str().unwrap().contains("sample");
        for word in ["keycloak", "postgres"] {
            assert!(sample || !code.contains(word), "{} names {word}", file.display());
        }
    }
}

/// One module makes HTTP clients, so that no request goes out without its limits.
#[test]
fn one_module_names_the_http_client() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let inside = file.strip_prefix(&root).unwrap().starts_with("providers/http");
        assert!(inside || !text.contains("reqwest::"), "{} names the HTTP client", file.display());
    }
}
