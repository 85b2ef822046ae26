//! The example of a seventh system, as a server of its own.

use crate::Client;
use std::{
    io::{BufRead, BufReader},
    ops::Deref,
    path::Path,
    process::{Child, Command, Stdio},
};

/// The running example. Dropped, it is killed.
pub struct SeventhSystem(Child, Client);

impl Drop for SeventhSystem {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Deref for SeventhSystem {
    type Target = Client;
    fn deref(&self) -> &Client {
        &self.1
    }
}

impl SeventhSystem {
    /// Starts the example, which stands beside the tests wherever those were built.
    pub fn start(directory: &Path) -> Self {
        // A run of a test alone has not built the example.
        let built = Command::new(env!("CARGO"))
            .args(["build", "--quiet", "--workspace", "--example", "seventh_system"])
            .status();
        assert!(built.unwrap().success());
        let examples =
            std::env::current_exe().unwrap().ancestors().nth(2).unwrap().join("examples");
        let mut example = Command::new(examples.join("seventh_system"));
        let mut child = example
            .arg("127.0.0.1:0")
            .arg(directory)
            .stdout(Stdio::piped())
            .spawn()
            .expect("it is built");
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.trim().strip_prefix("listening on ").expect("its address").to_owned();
        Self(child, Client::new(url))
    }
}
