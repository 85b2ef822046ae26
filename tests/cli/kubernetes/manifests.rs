//! The files of one way to run it, and the objects in them.

use serde::Deserialize;
use serde_json::Value;
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// What a `kustomization.yaml` may say here.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Kustomization {
    api_version: String,
    kind: String,
    resources: Vec<String>,
    #[serde(default)]
    images: Vec<Image>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Image {
    name: String,
    new_tag: String,
}

/// An object of Kubernetes, and the file that it is in.
#[derive(Debug, Clone)]
pub struct Object {
    pub file: String,
    pub value: Value,
}

impl Object {
    pub fn text(&self, pointer: &str) -> &str {
        self.value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
    }
    pub fn kind(&self) -> &str {
        self.text("/kind")
    }
    pub fn name(&self) -> &str {
        self.text("/metadata/name")
    }
}

/// The files of one way to run it, which a test may change.
pub struct Manifests {
    way: &'static str,
    files: BTreeMap<String, String>,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/k8s")
}

impl Manifests {
    /// Those of `way`, and what all have in common.
    pub fn load(way: &'static str) -> Self {
        let mut files = BTreeMap::new();
        for directory in ["base", way] {
            for entry in fs::read_dir(root().join(directory)).unwrap() {
                let entry = entry.unwrap();
                let name = format!("{directory}/{}", entry.file_name().to_string_lossy());
                files.insert(name, fs::read_to_string(entry.path()).unwrap());
            }
        }
        Self { way, files }
    }

    /// Replaces a piece of a file, which must be there.
    #[track_caller]
    pub fn replace(&mut self, file: &str, from: &str, to: &str) {
        let text = self.files.get_mut(file).unwrap_or_else(|| panic!("no {file}"));
        assert!(text.contains(from), "{file} has no `{from}`");
        *text = text.replacen(from, to, 1);
    }

    /// All objects, as kustomize puts them together; or what is wrong with that.
    pub fn objects(&self) -> Result<Vec<Object>, Vec<String>> {
        let mut objects = Vec::new();
        let mut faults = Vec::new();
        let mut unlisted: Vec<_> =
            self.files.keys().filter(|file| !file.ends_with("/kustomization.yaml")).collect();
        for directory in ["base", self.way] {
            let file = format!("{directory}/kustomization.yaml");
            let kustomization: Kustomization = match serde_yaml::from_str(&self.files[&file]) {
                Ok(kustomization) => kustomization,
                Err(why) => return Err(vec![format!("{file}: {why}")]),
            };
            if (kustomization.api_version.as_str(), kustomization.kind.as_str())
                != ("kustomize.config.k8s.io/v1beta1", "Kustomization")
            {
                faults.push(format!("{file}: it is no Kustomization"));
            }
            for resource in &kustomization.resources {
                let listed = format!("{directory}/{resource}");
                if resource == "../base" {
                    continue;
                }
                let Some(text) = self.files.get(&listed) else {
                    faults.push(format!("{file}: there is no {resource}"));
                    continue;
                };
                unlisted.retain(|file| **file != listed);
                for document in serde_yaml::Deserializer::from_str(text) {
                    match Value::deserialize(document) {
                        Ok(value) => objects.push(Object { file: listed.clone(), value }),
                        Err(why) => faults.push(format!("{listed}: {why}")),
                    }
                }
            }
            for image in &kustomization.images {
                let known = format!("{}:{}", image.name, image.new_tag);
                if known != concat!("holdfast:", env!("CARGO_PKG_VERSION")) {
                    faults.push(format!("{file}: {known} is not the image of this version"));
                }
            }
        }
        faults.extend(unlisted.into_iter().map(|file| format!("{file} is not listed")));
        if faults.is_empty() { Ok(objects) } else { Err(faults) }
    }
}
