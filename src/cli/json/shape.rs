//! The shape of a document, beyond what its fields say.
//!
//! - Where an object belongs, a list is none: what it means would hang on the order of our fields.
//! - `null` is no value. An id that came out empty in somebody's template must not turn into a fresh one in silence, nor a
//!   bound into none.

use serde_json::Value;

/// The fields that hold lists.
const LISTS: [&str; 4] = ["guards", "actions", "records", "headers"];

/// Looks a document through. The error names the place.
pub(super) fn check(document: &Value) -> Result<(), String> {
    object(document, "")
}

fn object(value: &Value, place: &str) -> Result<(), String> {
    let within = |name: &str| if place.is_empty() { name.to_owned() } else { format!("{place}.{name}") };
    match value {
        Value::Null => Err(format!("{place}: null is no value; leave the field out")),
        Value::Array(_) => Err(format!("{place}: a list where an object belongs").trim_start_matches(": ").to_owned()),
        Value::Object(fields) => fields.iter().try_for_each(|(name, field)| match field {
            Value::Array(items) if LISTS.contains(&name.as_str()) => {
                let mut items = items.iter().enumerate();
                items.try_for_each(|(index, item)| object(item, &format!("{}[{index}]", within(name))))
            }
            field => object(field, &within(name)),
        }),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(()),
    }
}
