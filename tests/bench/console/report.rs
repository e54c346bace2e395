//! Lines of the result: what is wanted, what was found, what the peers need.

/// What a program was found to need, by its name; `None`: it has nothing of the kind, or never got there.
pub type Figures = Vec<(&'static str, Option<f64>)>;

/// One line.
pub struct Row {
    pub what: String,
    pub target: f64,
    pub unit: &'static str,
    /// The console's is the first.
    pub found: Figures,
}

impl Row {
    /// A line of figures, of which the console's is the first.
    pub fn new(what: impl Into<String>, target: f64, unit: &'static str, found: Figures) -> Self {
        Self { what: what.into(), target, unit, found }
    }

    pub fn is_held(&self) -> bool {
        self.found.first().and_then(|(_, found)| *found).is_some_and(|found| found <= self.target)
    }

    fn text(&self) -> String {
        let figure = |found: Option<f64>| found.map_or_else(|| "-".to_owned(), |found| format!("{found:.2}"));
        let verdict = if self.is_held() { "held" } else { "MISSED" };
        let ours = figure(self.found.first().and_then(|(_, found)| *found));
        let (what, target, unit) = (&self.what, self.target, self.unit);
        let peers: Vec<String> =
            self.found.iter().skip(1).map(|(name, found)| format!("{name} {}", figure(*found))).collect();
        format!("{what:<44} {target:>8.2} {unit:<9} {ours:>9} {verdict:<7} {}", peers.join("  ")).trim_end().to_owned()
    }
}

/// Prints them as they come, and remembers whether all are held.
pub struct Report {
    missed: usize,
    rows: usize,
}

impl Report {
    pub fn new() -> Self {
        println!("{:<44} {:>8} {:<9} {:>9} {:<7} peers", "what", "target", "", "estop", "");
        Self { missed: 0, rows: 0 }
    }

    pub fn take(&mut self, row: &Row) {
        println!("{}", row.text());
        self.rows += 1;
        self.missed += usize::from(!row.is_held());
    }

    /// Whether all were held.
    pub fn end(&self) -> bool {
        println!("{} of {} targets held", self.rows - self.missed, self.rows);
        self.missed == 0
    }
}
