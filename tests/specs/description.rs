//! An `OpenAPI` document (3.0, 3.1, or Swagger 2.0), and whether a request is one of those that it describes.

use std::{collections::BTreeSet, env, fs, path::PathBuf};

use jsonschema::Draft;
use serde_json::{Map, Value, json};

use super::recorder::Sent;

/// A published description.
pub struct Description {
    document: Value,
    /// What is before every path of it.
    prefix: Vec<String>,
    exceptions: Vec<Exception>,
}

/// A request that the description lacks, and who says that it is one.
struct Exception {
    method: String,
    path: Vec<String>,
}

/// The description in that file of the folder; `None`: there is no folder, and the test is skipped.
pub fn description(file: &str) -> Option<Description> {
    let Some(folder) = env::var_os("ESTOP_SPECS") else {
        // Only a test that says so is seen to be skipped.
        #[expect(clippy::print_stderr, reason = "the test says that it was skipped")]
        {
            eprintln!("skipped: ESTOP_SPECS names no folder with the published descriptions");
        }
        return None;
    };
    let path = PathBuf::from(folder).join(file);
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    Some(Description::of(serde_json::from_str(&text).unwrap()))
}

fn segments(path: &str) -> Vec<String> {
    path.trim_matches('/').split('/').map(str::to_owned).collect()
}

/// A template's segment stands for what is there: `{id}` for anything, `{id}.json` for what ends so.
fn stands_for(template: &str, segment: &str) -> bool {
    match (template.find('{'), template.rfind('}')) {
        (Some(open), Some(close)) => {
            let (head, tail) = (&template[..open], &template[close + 1..]);
            segment.len() > head.len() + tail.len() && segment.starts_with(head) && segment.ends_with(tail)
        }
        _ => template == segment,
    }
}

fn matches(template: &[String], path: &[String]) -> bool {
    template.len() == path.len() && template.iter().zip(path).all(|(template, segment)| stands_for(template, segment))
}

impl Description {
    fn of(mut document: Value) -> Self {
        strict(&mut document);
        Self { document, prefix: Vec::new(), exceptions: Vec::new() }
    }

    /// Its paths stand under this one.
    pub fn under(mut self, prefix: &str) -> Self {
        self.prefix = segments(prefix);
        self
    }

    /// A request that the description does not have, though the provider's manual does: say where in `_source`.
    pub fn except(mut self, method: &str, path: &str, _source: &str) -> Self {
        self.exceptions.push(Exception { method: method.to_lowercase(), path: segments(path) });
        self
    }

    /// Fails with every request that is none of those described. Each exception must have been needed.
    ///
    /// # Panics
    /// As an assertion does.
    pub fn check(&self, sent: &[Sent]) {
        assert!(!sent.is_empty(), "nothing was sent");
        let mut wrong: Vec<String> = Vec::new();
        // A listing is asked for again and again.
        let mut seen = BTreeSet::new();
        for request in sent.iter().filter(|request| seen.insert(format!("{request:?}"))) {
            if let Err(why) = self.check_one(request) {
                wrong.push(format!("{} /{}: {why}", request.method.to_uppercase(), request.path.join("/")));
            }
        }
        wrong.sort();
        wrong.dedup();
        assert!(wrong.is_empty(), "not as described:\n{}", wrong.join("\n"));
        for exception in &self.exceptions {
            let needed = sent.iter().any(|request| exception.is(request));
            assert!(needed, "nothing was sent that is {} /{}", exception.method, exception.path.join("/"));
        }
    }

    fn check_one(&self, request: &Sent) -> Result<(), String> {
        if self.exceptions.iter().any(|exception| exception.is(request)) {
            return Ok(());
        }
        let (item, operation) = self.operation(request)?;
        let parameters: Vec<&Value> = [item, operation]
            .into_iter()
            .filter_map(|holder| holder["parameters"].as_array())
            .flatten()
            .map(|parameter| self.resolved(parameter))
            .collect();
        self.check_query(request, &parameters)?;
        self.check_body(request, operation, &parameters)
    }

    /// The most literal template wins: `/clients/initial` over `/clients/{id}`.
    fn operation(&self, request: &Sent) -> Result<(&Value, &Value), String> {
        let rest = request.path.strip_prefix(self.prefix.as_slice()).ok_or("it has another prefix")?;
        let paths = self.document["paths"].as_object().unwrap();
        let candidates = paths.iter().filter(|(path, _)| matches(&segments(path), rest));
        let (path, item) =
            candidates.min_by_key(|(path, _)| path.matches('{').count()).ok_or("no such path is described")?;
        let operation = item.get(&request.method).ok_or_else(|| format!("{path} has no such method"))?;
        Ok((item, operation))
    }

    fn resolved<'a>(&'a self, value: &'a Value) -> &'a Value {
        match value["$ref"].as_str().and_then(|reference| reference.strip_prefix('#')) {
            Some(pointer) => self.document.pointer(pointer).unwrap(),
            None => value,
        }
    }

    fn check_query(&self, request: &Sent, parameters: &[&Value]) -> Result<(), String> {
        let in_query: Vec<&Value> = parameters.iter().copied().filter(|parameter| parameter["in"] == "query").collect();
        for (name, text) in &request.query {
            let parameter = in_query
                .iter()
                .find(|parameter| parameter["name"] == name.as_str())
                .ok_or_else(|| format!("it has no query parameter {name}"))?;
            let schema = if parameter["schema"].is_object() { &parameter["schema"] } else { parameter };
            let schema = self.resolved(schema);
            let value = match schema["type"].as_str() {
                Some("integer" | "number" | "boolean") => serde_json::from_str(text).unwrap_or_else(|_| json!(text)),
                _ => json!(text),
            };
            let allowed = ["type", "enum", "format", "minimum", "maximum"];
            let plain: Map<String, Value> =
                allowed.iter().map(|key| ((*key).to_owned(), schema[*key].clone())).collect();
            let plain: Map<String, Value> = plain.into_iter().filter(|(_, value)| !value.is_null()).collect();
            let array = plain.get("type").is_some_and(|kind| kind == "array");
            if !array {
                valid(&Value::Object(plain), Draft::Draft202012, &value)
                    .map_err(|why| format!("query {name}={text}: {why}"))?;
            }
        }
        let missing = in_query
            .iter()
            .filter(|parameter| parameter["required"] == true)
            .find(|parameter| !request.query.iter().any(|(name, _)| parameter["name"] == name.as_str()));
        missing.map_or(Ok(()), |parameter| Err(format!("query parameter {} is missing", parameter["name"])))
    }

    fn check_body(&self, request: &Sent, operation: &Value, parameters: &[&Value]) -> Result<(), String> {
        // Swagger 2.0 has the body among the parameters.
        let swagger = parameters.iter().find(|parameter| parameter["in"] == "body");
        let described = self.resolved(&operation["requestBody"]);
        let (schema, required) = match swagger {
            Some(parameter) => (parameter["schema"].clone(), parameter["required"] == true),
            None => {
                let content = described["content"].as_object();
                let kind = request.content_type.as_deref().unwrap_or("application/json");
                let media = content.and_then(|content| content.get(kind).or_else(|| content.get("*/*")));
                if let (Some(content), None, Some(_)) = (content, media, &request.body) {
                    let kinds: Vec<&String> = content.keys().collect();
                    return Err(format!("its body is {kind}, not one of {kinds:?}"));
                }
                (media.map(|media| media["schema"].clone()).unwrap_or_default(), described["required"] == true)
            }
        };
        match &request.body {
            None if required => Err("the body is missing".to_owned()),
            None => Ok(()),
            Some(_) if schema.is_null() => Err("it takes no body".to_owned()),
            Some(body) => self.valid_here(schema, body).map_err(|why| format!("body: {why}")),
        }
    }

    /// Validates by a schema whose references lead into the document.
    fn valid_here(&self, schema: Value, value: &Value) -> Result<(), String> {
        let version = self.document["openapi"].as_str().unwrap_or_default();
        let draft = if version.starts_with("3.1") { Draft::Draft202012 } else { Draft::Draft4 };
        let mut root = self.document.clone();
        root["x-checked"] = schema;
        root["allOf"] = json!([{ "$ref": "#/x-checked" }]);
        valid(&root, draft, value)
    }
}

fn valid(schema: &Value, draft: Draft, value: &Value) -> Result<(), String> {
    let validator = jsonschema::options().with_draft(draft).build(schema);
    let validator = validator.map_err(|error| format!("the schema cannot be used: {error}"))?;
    let at = |path: String| if path.is_empty() { "the top".to_owned() } else { path };
    let errors: Vec<String> = validator
        .iter_errors(value)
        .map(|error| format!("{} at {}", error.masked(), at(error.instance_path().to_string())))
        .collect();
    if errors.is_empty() { Ok(()) } else { Err(errors.join("; ")) }
}

impl Exception {
    fn is(&self, request: &Sent) -> bool {
        self.method == request.method && matches(&self.path, &request.path)
    }
}

/// What `OpenAPI` says otherwise than JSON Schema; and objects have the properties that are described, no others.
fn strict(value: &mut Value) {
    match value {
        Value::Array(list) => list.iter_mut().for_each(strict),
        Value::Object(object) => {
            if object.get("nullable") == Some(&json!(true)) && object.get("type").is_some_and(Value::is_string) {
                let kind = object["type"].clone();
                object.insert("type".to_owned(), json!([kind, "null"]));
            }
            let composed =
                ["allOf", "anyOf", "oneOf", "additionalProperties"].iter().any(|key| object.contains_key(*key));
            let is_object = object.get("type").is_none_or(|kind| kind == "object");
            if object.get("properties").is_some_and(Value::is_object) && is_object && !composed {
                object.insert("additionalProperties".to_owned(), json!(false));
            }
            object.values_mut().for_each(strict);
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tickets() -> Description {
        let document = json!({
            "openapi": "3.0.3",
            "paths": {
                "/tickets/{id}": { "parameters": [{ "name": "id", "in": "path", "required": true }],
                    "put": { "parameters": [
                        { "name": "mode", "in": "query", "schema": { "type": "string", "enum": ["soft", "hard"] } }],
                        "requestBody": { "required": true, "content": { "application/json": {
                            "schema": { "$ref": "#/components/schemas/Ticket" } } } } } },
                "/tickets/closed": { "get": {} },
            },
            "components": { "schemas": { "Ticket": { "type": "object", "required": ["state"], "properties": {
                "state": { "type": "string", "enum": ["open", "closed"] },
                "owner": { "type": "string", "nullable": true } } } } },
        });
        Description::of(document).under("/api")
    }

    fn sent(method: &str, path: &str, query: &[(&str, &str)], body: Option<Value>) -> Sent {
        Sent {
            method: method.to_owned(),
            path: segments(path),
            query: query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            content_type: body.as_ref().map(|_| "application/json".to_owned()),
            body,
        }
    }

    #[test]
    fn only_what_is_described_passes() {
        let description = tickets();
        let body = || Some(json!({ "state": "open", "owner": null }));
        for (request, wrong) in [
            (sent("put", "/api/tickets/7", &[("mode", "soft")], body()), None),
            (sent("get", "/api/tickets/closed", &[], None), None),
            (sent("put", "/api/tickets/closed", &[], body()), Some("no such method")),
            (sent("get", "/api/notes", &[], None), Some("no such path")),
            (sent("get", "/tickets/closed", &[], None), Some("another prefix")),
            (sent("put", "/api/tickets/7", &[("mode", "loud")], body()), Some("query mode=loud")),
            (sent("put", "/api/tickets/7", &[("force", "1")], body()), Some("no query parameter force")),
            (sent("put", "/api/tickets/7", &[], None), Some("body is missing")),
            (sent("put", "/api/tickets/7", &[], Some(json!({ "state": "lost" }))), Some("at /state")),
            (sent("put", "/api/tickets/7", &[], Some(json!({ "owner": "a" }))), Some("state")),
            (sent("put", "/api/tickets/7", &[], Some(json!({ "state": "open", "colour": 1 }))), Some("colour")),
            (sent("get", "/api/tickets/closed", &[], Some(json!({}))), Some("takes no body")),
        ] {
            let found = description.check_one(&request);
            match wrong {
                None => assert_eq!(found, Ok(()), "{request:?}"),
                Some(part) => assert!(found.as_ref().is_err_and(|why| why.contains(part)), "{request:?}: {found:?}"),
            }
        }
    }
}
