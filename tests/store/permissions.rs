//! What other users of the machine may do with the data: nothing.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    path::Path,
};
use support::{Server, holdfast};
use tempfile::TempDir;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// Everything in `directory`.
fn all_in(directory: &Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let with_inner = |path: std::path::PathBuf| {
        let inner = if path.is_dir() { all_in(&path) } else { Vec::new() };
        [vec![path], inner].concat()
    };
    entries.flat_map(with_inner).collect()
}

#[test]
fn the_data_is_for_the_user_of_the_server_alone() {
    let mut server = Server::start(&[]);
    server.register_book("title");
    assert_eq!(mode(&server.data()), 0o700);
    let files = all_in(&server.data());
    assert!(files.len() > 3, "{files:?}");
    for file in files {
        assert_eq!(mode(&file) & 0o077, 0, "{}", file.display());
    }
    // A directory that was open to others is closed, with what is in it.
    server.terminate();
    fs::set_permissions(server.data(), Permissions::from_mode(0o755)).unwrap();
    server.restart();
    assert_eq!(mode(&server.data()), 0o700);
    server.get("/books/1").is(200);
}

#[test]
fn what_commands_write_is_for_their_user_alone_too() {
    let directory = TempDir::new().unwrap();
    let data = directory.path().join("data");
    for arguments in [
        &["key", "add", "--name", "till", "--role", "staff"][..],
        &["token", "--as", "staff"],
        &["node-key", "--name", "rent", "--contexts", "bookrent.rent"],
    ] {
        let output = holdfast().args(arguments).arg("--data").arg(&data).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    assert_eq!(mode(&data), 0o700);
    let files = all_in(&data);
    assert!(files.len() > 3, "{files:?}");
    for file in files {
        assert_eq!(mode(&file) & 0o077, 0, "{}", file.display());
    }
}

#[test]
fn a_directory_in_which_every_user_may_write_is_refused() {
    let directory = TempDir::new().unwrap();
    let data = directory.path().join("data");
    fs::create_dir(&data).unwrap();
    fs::set_permissions(&data, Permissions::from_mode(0o777)).unwrap();
    let data_text = data.display().to_string();
    let output = holdfast()
        .args(["serve", "--system", "bookrent", "--listen", "127.0.0.1:0", "--data", &data_text])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("may be written by every user") && said.contains("chmod 700"), "{said}");
    assert_eq!(fs::read_dir(&data).unwrap().count(), 0, "nothing is written there");
}
