//! What the record claims, step by step: the newest state of each, as the journal's lines say.

use std::collections::BTreeMap;

use serde_json::Value;

use super::stage::Stage;

/// One step as the journal has it.
#[derive(Debug, Clone, Default)]
pub struct Claim {
    pub provider: String,
    pub action: String,
    pub target: String,
    pub key: String,
    pub attempts: usize,
    /// The newest state's word.
    pub state: String,
}

impl Stage {
    /// Every line of every journal of an incident that can be read, in order.
    pub fn records(&self) -> Vec<Value> {
        let mut records = Vec::new();
        for path in self.journals() {
            let bytes = std::fs::read(&path).unwrap_or_default();
            let text = String::from_utf8_lossy(&bytes);
            records.extend(text.lines().filter_map(|line| serde_json::from_str(line).ok()));
        }
        records
    }

    /// Lines of one kind.
    pub fn records_of(&self, kind: &str) -> Vec<Value> {
        self.records().into_iter().filter(|record| record["kind"] == kind).collect()
    }

    /// Each step's claim, by operation and step.
    pub fn claims(&self) -> BTreeMap<String, Claim> {
        let mut claims: BTreeMap<String, Claim> = BTreeMap::new();
        for record in self.records() {
            let body = &record["body"];
            let id = |step: &Value| format!("{}/{}", record["op"].as_str().unwrap_or_default(), word(step));
            match record["kind"].as_str().unwrap_or_default() {
                "plan.intent" => {
                    for step in body["steps"].as_array().into_iter().flatten() {
                        let claim = claims.entry(id(&step["id"])).or_default();
                        word(&step["identity"]).split(':').next().unwrap_or_default().clone_into(&mut claim.provider);
                        (claim.action, claim.target) = (word(&step["action"]), word(&step["target"]));
                        claim.key = word(&step["key"]);
                    }
                }
                "step.attempt" => {
                    let claim = claims.entry(id(&body["step"])).or_default();
                    claim.attempts += 1;
                    "sent".clone_into(&mut claim.state);
                }
                "step.answer" | "step.verify" => {
                    claims.entry(id(&body["step"])).or_default().state = state(&body["state"]);
                }
                _ => {}
            }
        }
        claims
    }
}

fn word(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A state's word.
fn state(value: &Value) -> String {
    value["is"].as_str().unwrap_or_default().to_owned()
}
