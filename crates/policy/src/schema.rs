//! The schema of a bundle: its stages, and that it declares no fact that Placet does not supply.

use std::collections::{BTreeMap, BTreeSet};

use cedar_policy::{Schema, SchemaFragment};
use placet_domain::name::StageName;
use serde_json::Value;

use crate::problem::{Problem, Source, find_word, nearest};
use crate::words::{APPROVE_AS, QUESTIONS};

/// The facts that Placet supplies: the shipped schema is the list of them.
const SUPPLIED: &str = include_str!("../../../policies/schema.cedarschema");

/// A schema that was read.
#[derive(Debug)]
pub(crate) struct Read {
    pub schema: Schema,
    pub stages: BTreeSet<StageName>,
    /// For each group of actions, itself included, the actions in it.
    pub groups: BTreeMap<String, BTreeSet<String>>,
}

pub(crate) fn read(source: &Source<'_>) -> Result<Read, Vec<Problem>> {
    let (fragment, warnings) = SchemaFragment::from_cedarschema_str(source.text)
        .map_err(|error| vec![source.diagnosed(&error, 0)])?;
    let mut problems: Vec<Problem> = warnings.map(|one| source.diagnosed(&one, 0)).collect();
    let json = json(fragment.clone()).map_err(|why| vec![source.at(0, why)])?;
    let schema = Schema::from_schema_fragments([fragment])
        .map_err(|error| vec![source.diagnosed(&error, 0)])?;
    let stages = stages(source, &json, &mut problems);
    foreign_facts(source, &json, &mut problems);
    for question in QUESTIONS.iter().filter(|name| at(&json, &["actions", name]).is_none()) {
        problems.push(source.at(0, format!("the action `{question}` is missing: Placet asks it")));
    }
    if problems.is_empty() {
        Ok(Read { schema, stages, groups: groups(&json) })
    } else {
        Err(problems)
    }
}

fn json(fragment: SchemaFragment) -> Result<Value, String> {
    let mut whole = fragment.to_json_value().map_err(|e| e.to_string())?;
    whole.get_mut("").map(Value::take).ok_or_else(|| "the schema is empty".to_owned())
}

fn at<'a>(json: &'a Value, path: &[&str]) -> Option<&'a Value> {
    path.iter().try_fold(json, |inside, step| inside.get(step))
}

fn keys<'a>(json: &'a Value, path: &[&str]) -> BTreeSet<&'a str> {
    at(json, path).and_then(Value::as_object).into_iter().flatten().map(|(k, _)| &**k).collect()
}

/// The fields of `Approvals`. Each has its action, and each such action its field: Cedar cannot see
/// that they belong together.
fn stages(source: &Source<'_>, json: &Value, problems: &mut Vec<Problem>) -> BTreeSet<StageName> {
    let everywhere = 0..source.text.len();
    let fields = keys(json, &["commonTypes", "Approvals", "attributes"]);
    let actions: BTreeSet<&str> =
        keys(json, &["actions"]).iter().filter_map(|name| name.strip_prefix(APPROVE_AS)).collect();
    for field in fields.difference(&actions) {
        let message =
            format!("stage `{field}` has no action `{APPROVE_AS}{field}`: nobody could agree");
        let near = nearest(field, actions.iter().copied());
        problems.push(source.at_word(everywhere.clone(), field, message).with_hint(near));
    }
    for action in actions.difference(&fields) {
        let message = format!("`{APPROVE_AS}{action}` has no field `{action}` in `Approvals`");
        let near = nearest(action, fields.iter().copied());
        let needle = format!("{APPROVE_AS}{action}");
        problems.push(source.at_word(everywhere.clone(), &needle, message).with_hint(near));
    }
    let mut stages = BTreeSet::new();
    for field in fields {
        match field.parse() {
            Ok(stage) => {
                stages.insert(stage);
            }
            Err(e) => {
                problems.push(source.at_word(everywhere.clone(), field, format!("{e}")));
            }
        }
    }
    stages
}

/// The actions in each group, the action itself included.
fn groups(json: &Value) -> BTreeMap<String, BTreeSet<String>> {
    let mut groups: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for action in keys(json, &["actions"]) {
        let mut open = vec![action];
        while let Some(group) = open.pop() {
            if groups.entry(group.to_owned()).or_default().insert(action.to_owned()) {
                let parents = at(json, &["actions", group, "memberOf"]).and_then(Value::as_array);
                let ids = parents.into_iter().flatten().filter_map(|one| one.get("id"));
                open.extend(ids.filter_map(Value::as_str));
            }
        }
    }
    groups
}

/// Placet supplies a fixed list of facts; a policy that reads another would err, or worse, rely on it.
fn foreign_facts(source: &Source<'_>, theirs: &Value, problems: &mut Vec<Problem>) {
    let ours = SchemaFragment::from_cedarschema_str(SUPPLIED).map_err(|e| e.to_string());
    let mut ours = match ours.and_then(|(fragment, _)| json(fragment)) {
        Ok(ours) => ours,
        Err(why) => return problems.push(source.at(0, why)),
    };
    // Stages are the bundle's own: each is a counter, and an action like those that we ship.
    let counter = at(&ours, &["commonTypes", "Approvals", "attributes", "owner"]).cloned();
    let question = at(&ours, &["actions", "approve_as_owner"]).cloned();
    for stage in keys(theirs, &["commonTypes", "Approvals", "attributes"]) {
        put(&mut ours, &["commonTypes", "Approvals", "attributes"], stage, counter.as_ref());
    }
    for action in keys(theirs, &["actions"]).iter().filter(|name| name.starts_with(APPROVE_AS)) {
        put(&mut ours, &["actions"], action, question.as_ref());
    }
    let mut path = Vec::new();
    compare(&ours, theirs, false, &mut path, &mut |path, near| {
        let path: Vec<&str> =
            path.iter().map(String::as_str).filter(|step| !STEPS.contains(step)).collect();
        let place = path.iter().rev().find_map(|step| find_word(source.text, step));
        let name = path.join(".");
        let message = format!("`{name}` is not what Placet supplies: see the shipped schema");
        problems.push(source.at(place.unwrap_or(0), message).with_hint(near));
    });
}

/// Steps of a path that only Cedar's JSON form has.
const STEPS: [&str; 13] = [
    "entityTypes",
    "commonTypes",
    "actions",
    "attributes",
    "shape",
    "enum",
    "name",
    "type",
    "required",
    "appliesTo",
    "memberOf",
    "memberOfTypes",
    "element",
];

fn put(json: &mut Value, path: &[&str], key: &str, value: Option<&Value>) {
    let inside = path.iter().try_fold(json, |inside, step| inside.get_mut(step));
    if let (Some(map), Some(value)) = (inside.and_then(Value::as_object_mut), value) {
        map.insert(key.to_owned(), value.clone());
    }
}

/// Reports where `theirs` says something else than `ours`. Maps keyed by names that somebody chose
/// may leave names out; everything else must be the same.
fn compare(
    ours: &Value,
    theirs: &Value,
    named: bool,
    path: &mut Vec<String>,
    report: &mut dyn FnMut(&[String], Option<&str>),
) {
    match (ours, theirs) {
        (Value::Object(ours), Value::Object(theirs)) => {
            for (key, their) in theirs.iter().filter(|(key, _)| *key != "annotations") {
                path.push(key.clone());
                match ours.get(key) {
                    Some(our) => {
                        let names = ["entityTypes", "commonTypes", "actions", "attributes"];
                        let named = !named && names.contains(&key.as_str());
                        compare(our, their, named, path, report);
                    }
                    None => report(path, nearest(key, ours.keys().map(String::as_str))),
                }
                path.pop();
            }
            let lost = ours.keys().find(|key| *key != "annotations" && !theirs.contains_key(*key));
            if let Some(key) = lost.filter(|_| !named) {
                path.push(key.clone());
                report(path, None);
                path.pop();
            }
        }
        (Value::Array(ours), Value::Array(theirs)) => {
            for their in theirs.iter().filter(|their| !ours.contains(their)) {
                path.push(their.as_str().map_or_else(|| their.to_string(), str::to_owned));
                report(path, None);
                path.pop();
            }
            // A closed list of words may be shorter; an action outside its group would escape the
            // policies of the group.
            let shorter = ours.iter().any(|our| !theirs.contains(our));
            if shorter && path.last().is_none_or(|last| last != "enum") {
                report(path, None);
            }
        }
        _ if ours == theirs => {}
        _ => report(path, None),
    }
}
