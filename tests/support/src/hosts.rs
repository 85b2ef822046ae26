//! Names that move: a list of hosts that one server alone sees in place of `/etc/hosts`.

use std::{
    collections::BTreeMap,
    fs,
    path::PathBuf,
    process::{Command, Stdio},
};
use tempfile::TempDir;

/// A list of hosts.
pub struct Hosts {
    names: BTreeMap<&'static str, &'static str>,
    directory: TempDir,
    /// How `unshare` is called on this machine.
    unshare: &'static [&'static str],
}

impl Hosts {
    /// An empty list; none where this machine lets no process have mounts of its own.
    pub fn of_one_server() -> Option<Self> {
        let ways: [&[&str]; 2] = [&["--mount"], &["--mount", "--map-root-user"]];
        ways.into_iter().find_map(|unshare| {
            let hosts =
                Self { names: BTreeMap::new(), directory: TempDir::new().unwrap(), unshare };
            hosts.write();
            let launcher = hosts.launcher();
            let mut test = Command::new(&launcher[0]);
            test.args(&launcher[1..]).arg("true").stderr(Stdio::null());
            test.status().is_ok_and(|status| status.success()).then_some(hosts)
        })
    }

    /// From now on `name` has this address.
    pub fn set(&mut self, name: &'static str, address: &'static str) {
        self.names.insert(name, address);
        self.write();
    }

    /// What starts a server that sees this list.
    pub fn launcher(&self) -> Vec<String> {
        let mount = format!("mount --bind '{}' /etc/hosts && exec \"$@\"", self.file().display());
        let command = ["unshare"].iter().chain(self.unshare).chain(&["sh", "-c"]);
        command.map(ToString::to_string).chain([mount, "sh".into()]).collect()
    }

    fn file(&self) -> PathBuf {
        self.directory.path().join("hosts")
    }

    // The file stays the same one, since it is mounted.
    fn write(&self) {
        let names = self.names.iter().map(|(name, address)| format!("{address} {name}\n"));
        fs::write(self.file(), names.collect::<String>() + "127.0.0.1 localhost\n").unwrap();
    }
}
