//! What a pod gives its process: files, variables, arguments.

use super::manifests::Object;
use serde_json::Value;
use std::{collections::BTreeMap, fs, path::Path, process::Command};
use support::holdfast;
use tempfile::TempDir;

/// The pod of a workload, and what its volumes are made of.
pub struct Pod<'a> {
    pub workload: &'a Object,
    objects: &'a [Object],
}

fn array<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    value.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}
fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// What the process of a pod is started with. Its files are in a directory of their own here.
pub struct Prepared {
    pub directory: TempDir,
    pub arguments: Vec<String>,
    pub variables: BTreeMap<String, String>,
}

impl<'a> Pod<'a> {
    pub fn of(workload: &'a Object, objects: &'a [Object]) -> Self {
        Self { workload, objects }
    }

    pub fn spec(&self) -> &'a Value {
        self.workload.value.pointer("/spec/template/spec").unwrap_or(&Value::Null)
    }

    pub fn labels(&self) -> &'a Value {
        self.workload.value.pointer("/spec/template/metadata/labels").unwrap_or(&Value::Null)
    }

    /// Its one container.
    pub fn container(&self) -> &'a Value {
        self.spec().pointer("/containers/0").unwrap_or(&Value::Null)
    }

    /// The number of the port with that name.
    pub fn port(&self, name: &str) -> Option<u64> {
        let mut ports = array(self.container(), "/ports").iter();
        ports.find(|port| text(port, "/name") == name)?["containerPort"].as_u64()
    }

    /// What is under `key` in the object of that kind and name.
    fn entry(&self, kind: &str, name: &str, key: &str) -> Result<&'a str, String> {
        let mut objects = self.objects.iter();
        let missing = || format!("there is no {kind} {name}");
        let object = objects.find(|object| object.kind() == kind && object.name() == name);
        let field = if kind == "Secret" { "stringData" } else { "data" };
        let value = object.ok_or_else(missing)?.value[field][key].as_str();
        value.ok_or_else(|| format!("{kind} {name} has no key {key}"))
    }

    /// The variables of its container.
    fn variables(&self, faults: &mut Vec<String>) -> BTreeMap<String, String> {
        let mut variables = BTreeMap::new();
        for variable in array(self.container(), "/env") {
            let name = text(variable, "/name").to_owned();
            let of = |from: &str| {
                let from = variable.pointer(&format!("/valueFrom/{from}"))?;
                Some((text(from, "/name"), text(from, "/key")))
            };
            let value = if let Some(value) = variable["value"].as_str() {
                Ok(value.to_owned())
            } else if let Some((object, key)) = of("configMapKeyRef") {
                self.entry("ConfigMap", object, key).map(str::to_owned)
            } else if let Some((object, key)) = of("secretKeyRef") {
                self.entry("Secret", object, key).map(str::to_owned)
            } else {
                match text(variable, "/valueFrom/fieldRef/fieldPath") {
                    "metadata.name" => Ok("holdfast-0".to_owned()),
                    "status.podIP" => Ok("10.0.0.7".to_owned()),
                    other => Err(format!("{name}: a pod has no field `{other}`")),
                }
            };
            match value {
                Ok(value) => drop(variables.insert(name, value)),
                Err(fault) => faults.push(fault),
            }
        }
        variables
    }

    /// Writes the files of its volumes below a directory, and gives what its process is started with there.
    pub fn prepare(&self, faults: &mut Vec<String>) -> Prepared {
        let directory = TempDir::new().unwrap();
        let mut variables = self.variables(faults);
        let arguments = array(self.container(), "/args").iter();
        let mut arguments: Vec<String> =
            arguments.map(|argument| argument.as_str().unwrap().to_owned()).collect();
        let claims = array(&self.workload.value, "/spec/volumeClaimTemplates").iter();
        let claims: Vec<_> = claims.map(|claim| text(claim, "/metadata/name")).collect();
        for mount in array(self.container(), "/volumeMounts") {
            let name = text(mount, "/name");
            let at = text(mount, "/mountPath");
            let here = directory.path().join(at.trim_start_matches('/'));
            fs::create_dir_all(&here).unwrap();
            let mut volumes = array(self.spec(), "/volumes").iter();
            match volumes.find(|volume| text(volume, "/name") == name) {
                Some(volume) => self.write_files(volume, &here, faults),
                None if claims.contains(&name) => {}
                None => faults.push(format!("no volume is called {name}")),
            }
            let moved = here.display().to_string();
            for value in variables.values_mut().chain(&mut arguments) {
                if let Some(rest) = value.strip_prefix(at).filter(|rest| rest.starts_with('/')) {
                    *value = format!("{moved}{rest}");
                }
            }
        }
        Prepared { directory, arguments, variables }
    }

    fn write_files(&self, volume: &Value, into: &Path, faults: &mut Vec<String>) {
        let source = if volume["secret"].is_object() {
            ("Secret", text(volume, "/secret/secretName"), "/secret/items")
        } else if volume["configMap"].is_object() {
            ("ConfigMap", text(volume, "/configMap/name"), "/configMap/items")
        } else {
            return;
        };
        let (kind, name, items) = source;
        for item in array(volume, items) {
            match self.entry(kind, name, text(item, "/key")) {
                Ok(content) => fs::write(into.join(text(item, "/path")), content).unwrap(),
                Err(fault) => faults.push(fault),
            }
        }
    }
}

impl Prepared {
    /// The server, with these variables and arguments but the first, in place of which stands `command`.
    pub fn command(&self, command: &[&str]) -> Command {
        let mut server = holdfast();
        server.args(command).args(self.arguments.iter().skip(1)).envs(&self.variables);
        server
    }
}
