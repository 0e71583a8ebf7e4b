//! What may stand in the settings of a target, by kind, and where a relative path counts from. What a
//! kind makes of its settings is its own affair.

use std::collections::BTreeMap;
use std::path::Path;

/// The settings of a target, as its catalogue entry has them.
pub type Settings = BTreeMap<String, String>;

/// What stands in a setting.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Value {
    /// Words, names or numbers.
    Text,
    /// The path of one file or socket.
    Path,
    /// Paths, separated by commas.
    Paths,
}

/// The settings that a kind knows, each with what stands in it.
pub type Known = &'static [(&'static str, Value)];

/// A setting that does nothing is a mistake, and whoever wrote it means something.
pub(crate) fn only(known: Known, settings: &Settings) -> Result<(), String> {
    let unknown = settings.keys().find(|key| !known.iter().any(|(name, _)| name == key));
    let Some(unknown) = unknown else { return Ok(()) };
    let known: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
    Err(format!("setting `{unknown}` is not known; known are `{}`", known.join("`, `")))
}

/// What stands in a setting, separated by commas.
pub(crate) fn listed(setting: &str) -> impl Iterator<Item = &str> {
    setting.split(',').map(str::trim).filter(|part| !part.is_empty())
}

/// Makes paths absolute: those that are relative count from the folder `from`.
pub(crate) fn make_absolute(
    known: Known,
    settings: &mut Settings,
    from: &Path,
) -> Result<(), String> {
    for (name, value) in known {
        let Some(setting) = settings.get_mut(*name) else { continue };
        let made = match value {
            Value::Text => continue,
            Value::Path => absolute(setting, from),
            Value::Paths => absolute_list(setting, from),
        };
        *setting = made.map_err(|why| format!("setting `{name}`: {why}"))?;
    }
    Ok(())
}

fn absolute(path: &str, from: &Path) -> Result<String, String> {
    if path.is_empty() {
        return Err("it names no file".to_owned());
    }
    let made = std::path::absolute(from.join(path)).map_err(|error| error.to_string())?;
    made.into_os_string().into_string().map_err(|_| format!("`{path}` lies below no UTF-8 name"))
}

fn absolute_list(paths: &str, from: &Path) -> Result<String, String> {
    let made: Result<Vec<String>, String> = listed(paths).map(|one| absolute(one, from)).collect();
    let made = made?;
    match made.iter().find(|one| one.contains(',')) {
        Some(one) => Err(format!("`{one}` has a comma in it, which would make two paths of it")),
        None => Ok(made.join(",")),
    }
}
