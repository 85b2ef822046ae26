//! The process of a server: its address, what it prints on stderr, and its end.

use super::{Client, PROCESS_DEADLINE, eventually, through};
use std::{
    io::{BufRead, BufReader},
    process::{Child, Stdio},
    sync::{Arc, Mutex, mpsc},
    thread,
};

/// A running server.
pub struct Process {
    pub child: Child,
    pub probes: Option<String>,
    pub operations: Option<String>,
    pub stderr: Arc<Mutex<String>>,
    pub stdout: Arc<Mutex<String>>,
}

impl Process {
    /// Starts a server and reads its address from the line that it prints when it accepts connections.
    #[track_caller]
    pub fn launch(
        launcher: &[String],
        arguments: &[String],
        environment: &[(String, String)],
    ) -> (Self, String) {
        let mut command = through(launcher);
        command.args(arguments).envs(environment.iter().cloned());
        let mut child =
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it can be run");
        let stderr = Arc::new(Mutex::new(String::new()));
        let heard = Arc::clone(&stderr);
        let out = BufReader::new(child.stderr.take().unwrap());
        thread::spawn(move || {
            out.lines().map_while(Result::ok).for_each(|line| {
                let mut heard = heard.lock().unwrap();
                heard.push_str(&line);
                heard.push('\n');
            });
        });
        let (tell, address) = mpsc::channel();
        let out = BufReader::new(child.stdout.take().unwrap());
        let mut probes = None;
        let mut operations = None;
        let stdout = Arc::new(Mutex::new(String::new()));
        let printed = Arc::clone(&stdout);
        thread::spawn(move || {
            out.lines().map_while(Result::ok).for_each(|line| {
                printed.lock().unwrap().push_str(&format!("{line}\n"));
                if let Some(address) = line.strip_prefix("probes on http://") {
                    probes = Some(address.trim().to_owned());
                }
                if let Some(url) = line.strip_prefix("operations on ") {
                    operations = Some(url.trim().to_owned());
                }
                if let Some(url) = line.strip_prefix("listening on ") {
                    let url = url.trim().trim_end_matches('/').to_owned();
                    let _ = tell.send((url, probes.take(), operations.take()));
                }
            });
        });
        let mut process = Self { child, probes: None, operations: None, stderr, stdout };
        let Ok((url, probes, operations)) = address.recv_timeout(PROCESS_DEADLINE) else {
            panic!("the server does not say `listening on …`");
        };
        process.probes = probes;
        process.operations = operations;
        (process, url)
    }

    /// The same, and waits until it is ready.
    #[track_caller]
    pub fn start(
        launcher: &[String],
        arguments: &[String],
        environment: &[(String, String)],
    ) -> (Self, String) {
        let (process, url) = Self::launch(launcher, arguments, environment);
        let client = Client::new(url.clone());
        eventually("the server is ready", || {
            (client.try_get("/readyz").ok()?.status == 200).then_some(())
        });
        (process, url)
    }

    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
        if thread::panicking() {
            eprintln!("--- the server said:\n{}---", self.stderr.lock().unwrap());
        }
    }
}
