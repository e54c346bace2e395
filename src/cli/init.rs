//! `estop init`.

use std::{
    fs::{DirBuilder, File},
    io::{ErrorKind, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use super::{Exit, Stop, output::Output};
use crate::config;

/// Writes the starter configuration where the configuration is looked for.
pub(super) fn run(output: &Output, named: Option<&Path>) -> Result<Exit, Stop> {
    let path: PathBuf = named
        .map(Path::to_owned)
        .or_else(config::user_file)
        .ok_or_else(|| Stop::usage("there is no home directory: say where with --config FILE"))?;
    write(&path)?;
    output.line(&format!("{} is written: fill it in, then run estop check", path.display()));
    Ok(Exit::Done)
}

/// A new file, never over an old one, even one that appears at the same moment.
fn write(path: &Path) -> Result<(), Stop> {
    let shown = path.display();
    if let Some(directory) = path.parent().filter(|directory| !directory.as_os_str().is_empty()) {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(directory);
        made.map_err(|error| Stop::failed(format!("{} cannot be made: {error}", directory.display())))?;
    }
    let mut file =
        File::options().write(true).create_new(true).mode(0o600).open(path).map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists => {
                Stop::usage(format!("{shown} is there already and stays as it is: move it away, or name another file"))
            }
            _ => Stop::failed(format!("{shown} cannot be made: {error}")),
        })?;
    let written = file.write_all(config::starter().as_bytes()).and_then(|()| file.sync_all());
    written.map_err(|error| {
        // A torn starter would be in the way of the next try.
        let _ = std::fs::remove_file(path);
        Stop::failed(format!("{shown} cannot be written: {error}"))
    })
}
