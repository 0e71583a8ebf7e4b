//! Looking into the expressions of a policy, in Cedar's JSON form of its syntax.

use serde_json::Value;

/// Calls `see` for every node of an expression, outermost first. Literals are one node; the names of
/// a record's fields are not taken for operators.
pub(crate) fn walk(expression: &Value, see: &mut dyn FnMut(&str, &Value)) {
    let Some(node) = expression.as_object() else { return };
    for (operator, inside) in node {
        see(operator, inside);
        match operator.as_str() {
            "Value" | "Var" | "Slot" => {}
            "Record" => {
                for field in inside.as_object().into_iter().flatten().map(|(_, value)| value) {
                    walk(field, see);
                }
            }
            _ => operands(inside, see),
        }
    }
}

fn operands(inside: &Value, see: &mut dyn FnMut(&str, &Value)) {
    match inside {
        Value::Array(list) => list.iter().for_each(|one| walk(one, see)),
        Value::Object(named) => named.values().for_each(|one| operands_or_node(one, see)),
        _ => {}
    }
}

fn operands_or_node(value: &Value, see: &mut dyn FnMut(&str, &Value)) {
    match value {
        Value::Array(list) => list.iter().for_each(|one| walk(one, see)),
        other => walk(other, see),
    }
}

/// The bodies of a policy's `when` (or `unless`) conditions.
pub(crate) fn conditions<'a>(policy: &'a Value, kind: &'a str) -> impl Iterator<Item = &'a Value> {
    policy
        .get("conditions")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter(move |one| one.get("kind").and_then(Value::as_str) == Some(kind))
        .filter_map(|one| one.get("body"))
}

/// Everything that a policy says beyond its scope.
pub(crate) fn bodies(policy: &Value) -> impl Iterator<Item = &Value> {
    conditions(policy, "when").chain(conditions(policy, "unless"))
}

/// The arithmetic that can overflow, by the way a policy writes it.
pub(crate) fn arithmetic(operator: &str) -> Option<&'static str> {
    match operator {
        "+" => Some("+"),
        "-" | "neg" => Some("-"),
        "*" => Some("*"),
        "offset" => Some("offset"),
        "durationSince" => Some("durationSince"),
        _ => None,
    }
}

/// True if an expression reads this attribute of anything.
pub(crate) fn reads(expression: &Value, attribute: &str) -> bool {
    let mut found = false;
    walk(expression, &mut |operator, inside| {
        found |= operator == "." && attribute_of(inside) == Some(attribute);
    });
    found
}

fn attribute_of(inside: &Value) -> Option<&str> {
    inside.get("attr").and_then(Value::as_str)
}

fn is_context(expression: &Value) -> bool {
    expression.get("Var").and_then(Value::as_str) == Some("context")
}

fn is_approvals(expression: &Value) -> bool {
    expression.get(".").is_some_and(|inside| {
        attribute_of(inside) == Some("approvals") && inside.get("left").is_some_and(is_context)
    })
}

/// How often an expression reads the counters, and whether it handles the context as a whole, by
/// which it could read them unseen.
pub(crate) fn counter_reads(expression: &Value) -> (usize, bool) {
    let (mut reads, mut parts, mut wholes) = (0usize, 0usize, 0usize);
    walk(expression, &mut |operator, inside| match operator {
        "." | "has" if inside.get("left").is_some_and(is_context) => {
            parts += 1;
            reads += usize::from(attribute_of(inside) == Some("approvals"));
        }
        "Var" => wholes += usize::from(inside.as_str() == Some("context")),
        _ => {}
    });
    (reads, wholes > parts)
}

/// The stage of `context.approvals.<stage> >= n`, if that is the whole expression.
pub(crate) fn threshold(expression: &Value) -> Option<&str> {
    let comparison = expression.get(">=")?;
    let counter = comparison.get("left")?.get(".")?;
    let (reads, _) = counter_reads(comparison.get("right")?);
    let read_here = counter.get("left").is_some_and(is_approvals) && reads == 0;
    attribute_of(counter).filter(|_| read_here)
}
