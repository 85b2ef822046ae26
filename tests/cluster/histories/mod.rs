//! A past that was put back, a copy that runs beside its original, a second owner: with a broker and without, each node that has
//! read what was before notices, and reports what to do.

mod copies;
mod cursors;
mod nodes;

use std::{fs, path::Path};

/// Copies a directory with all that is in it but sockets, which a process has left there.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to.join(entry.file_name()))
        } else if entry.file_type().unwrap().is_file() {
            fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

/// Has `data` be what `copied` is.
fn put_back(copied: &Path, data: &Path) {
    fs::remove_dir_all(data).unwrap();
    copy(copied, data);
}
