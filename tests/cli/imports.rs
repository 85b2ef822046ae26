//! Reads the imports of the sources: which file takes something from which.
//!
//! A path is followed to the file that defines what it names, through what modules re-export, so that a name handed on by
//! a `mod.rs` counts as an import of the file that has it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};
use syn::{Item, UseTree, visit::Visit};

/// A module's path within the crate.
type Module = Vec<String>;

/// All files of the crate with what they import.
pub struct Imports {
    modules: BTreeMap<Module, Source>,
}

#[derive(Default)]
struct Source {
    file: String,
    /// What its `use` items bring in: the name here, and the path it has from the root of the crate.
    names: BTreeMap<String, Module>,
    /// Modules all of whose names are brought in.
    globs: Vec<Module>,
    /// Every path of this crate that it names.
    paths: BTreeSet<Module>,
    /// What it defines itself.
    items: BTreeSet<String>,
}

impl Imports {
    /// Those of the crate whose sources are in `root`, without its tests.
    pub fn of(root: &Path) -> Self {
        let mut imports = Self { modules: BTreeMap::new() };
        imports.read(root, root, &[]);
        imports
    }

    fn read(&mut self, root: &Path, folder: &Path, module: &[String]) {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let path = entry.path();
            let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
            let child = [module, std::slice::from_ref(&stem)].concat();
            if path.is_dir() {
                self.read(root, &path, &child);
            } else if path.extension().is_some_and(|extension| extension == "rs")
                && stem != "tests"
                && stem != "main"
            {
                let own = matches!(stem.as_str(), "mod" | "lib");
                let module = if own { module.to_vec() } else { child };
                let file = syn::parse_file(&fs::read_to_string(&path).unwrap()).unwrap();
                let file_name = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
                let mut reader = Reader {
                    module: module.clone(),
                    source: Source { file: file_name, ..Source::default() },
                };
                reader.visit_file(&file);
                self.modules.insert(module, reader.source);
            }
        }
    }

    /// The files that each file takes something from.
    pub fn by_file(&self) -> BTreeMap<&str, BTreeSet<&str>> {
        self.modules
            .values()
            .map(|source| {
                let taken = source.paths.iter().filter_map(|path| self.home_of(path, 0));
                (source.file.as_str(), taken.filter(|file| *file != source.file).collect())
            })
            .collect()
    }

    /// The file that defines what `path` names.
    fn home_of(&self, path: &[String], depth: usize) -> Option<&str> {
        // Names that are handed on in a circle end somewhere.
        if depth > 16 {
            return None;
        }
        let longest =
            (0..=path.len()).rev().find(|end| self.modules.contains_key(&path[..*end]))?;
        let source = &self.modules[&path[..longest]];
        let Some(name) = path.get(longest) else {
            return Some(&source.file);
        };
        if source.items.contains(name) {
            return Some(&source.file);
        }
        let rest = &path[longest + 1..];
        if let Some(target) = source.names.get(name) {
            return self.home_of(&[target.as_slice(), rest].concat(), depth + 1);
        }
        source.globs.iter().filter(|module| self.defines(module, name, depth + 1)).find_map(
            |module| self.home_of(&[module.as_slice(), &path[longest..]].concat(), depth + 1),
        )
    }

    fn defines(&self, module: &[String], name: &String, depth: usize) -> bool {
        depth <= 16
            && self.modules.get(module).is_some_and(|source| {
                source.items.contains(name)
                    || source.names.contains_key(name)
                    || self.modules.contains_key(&[module, std::slice::from_ref(name)].concat())
                    || source.globs.iter().any(|glob| self.defines(glob, name, depth + 1))
            })
    }
}

/// Files that import each other in a circle, each set in order.
pub fn circles<'a>(imports: &BTreeMap<&'a str, BTreeSet<&'a str>>) -> Vec<BTreeSet<&'a str>> {
    let reached: BTreeMap<&str, BTreeSet<&str>> = imports
        .keys()
        .map(|file| {
            let mut seen = BTreeSet::new();
            let mut ahead = vec![*file];
            while let Some(at) = ahead.pop() {
                for next in imports.get(at).into_iter().flatten() {
                    if seen.insert(*next) {
                        ahead.push(next);
                    }
                }
            }
            (*file, seen)
        })
        .collect();
    let mut circles: Vec<BTreeSet<&str>> = Vec::new();
    for (file, from_here) in &reached {
        if from_here.contains(file) && !circles.iter().any(|circle| circle.contains(file)) {
            let circle = from_here
                .iter()
                .filter(|other| reached.get(*other).is_some_and(|seen| seen.contains(file)));
            circles.push(circle.copied().collect());
        }
    }
    circles
}

struct Reader {
    module: Module,
    source: Source,
}

impl Reader {
    /// `path` from the root of the crate, where it is one of this crate.
    fn absolute(&self, path: &[String]) -> Option<Module> {
        match path.first()?.as_str() {
            "crate" => Some(path[1..].to_vec()),
            "self" => Some([self.module.as_slice(), &path[1..]].concat()),
            "super" => {
                let ups = path.iter().take_while(|part| *part == "super").count();
                let base = self.module.len().checked_sub(ups)?;
                Some([&self.module[..base], &path[ups..]].concat())
            }
            first => {
                let target = self.source.names.get(first)?;
                Some([target.as_slice(), &path[1..]].concat())
            }
        }
    }

    fn bring_in(&mut self, tree: &UseTree, before: &mut Vec<String>) {
        match tree {
            UseTree::Path(path) => {
                before.push(path.ident.to_string());
                self.bring_in(&path.tree, before);
                before.pop();
            }
            UseTree::Group(group) => {
                group.items.iter().for_each(|tree| self.bring_in(tree, before))
            }
            UseTree::Glob(_) => {
                if let Some(module) = self.child_or_absolute(before) {
                    self.source.globs.push(module);
                }
            }
            UseTree::Name(name) if name.ident == "self" => {
                let name = before.last().cloned();
                self.name(name, before.clone());
            }
            UseTree::Name(name) => {
                let path = [before.as_slice(), &[name.ident.to_string()]].concat();
                self.name(Some(name.ident.to_string()), path);
            }
            UseTree::Rename(rename) => {
                let path = if rename.ident == "self" {
                    before.clone()
                } else {
                    [before.as_slice(), &[rename.ident.to_string()]].concat()
                };
                self.name(Some(rename.rename.to_string()), path);
            }
        }
    }

    fn name(&mut self, name: Option<String>, path: Vec<String>) {
        if let (Some(name), Some(path)) = (name, self.child_or_absolute(&path)) {
            self.source.names.insert(name, path);
        }
    }

    fn child_or_absolute(&self, path: &[String]) -> Option<Module> {
        let first = path.first()?;
        if self.source.items.contains(first) {
            Some([self.module.as_slice(), path].concat())
        } else {
            self.absolute(path)
        }
    }
}

fn is_for_tests(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute.parse_args::<syn::Ident>().is_ok_and(|word| word == "test")
    })
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_file(&mut self, file: &'ast syn::File) {
        let items: Vec<&Item> = file.items.iter().filter(|item| !of_tests(item)).collect();
        self.source.items = items.iter().filter_map(|item| name_of(item)).collect();
        for item in &items {
            if let Item::Use(item) = item {
                self.bring_in(&item.tree, &mut Vec::new());
                // What is only handed on is not taken.
                if matches!(item.vis, syn::Visibility::Inherited) {
                    let mut leaves = Vec::new();
                    leaves_of(&item.tree, &mut Vec::new(), &mut leaves);
                    let paths: Vec<Module> =
                        leaves.iter().filter_map(|path| self.child_or_absolute(path)).collect();
                    self.source.paths.extend(paths);
                }
            }
        }
        items
            .iter()
            .filter(|item| !matches!(item, Item::Use(_)))
            .for_each(|item| self.visit_item(item));
    }

    fn visit_item(&mut self, item: &'ast Item) {
        if !of_tests(item) {
            syn::visit::visit_item(self, item);
        }
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        // One within a function.
        let mut leaves = Vec::new();
        leaves_of(&item.tree, &mut Vec::new(), &mut leaves);
        let paths: Vec<Module> =
            leaves.iter().filter_map(|path| self.child_or_absolute(path)).collect();
        self.source.paths.extend(paths);
    }

    fn visit_visibility(&mut self, _: &'ast syn::Visibility) {
        // Who may name a thing is no import.
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let parts: Vec<String> = path.segments.iter().map(|part| part.ident.to_string()).collect();
        if parts.len() > 1
            && let Some(path) = self.child_or_absolute(&parts)
        {
            self.source.paths.insert(path);
        }
        syn::visit::visit_path(self, path);
    }
}

fn leaves_of(tree: &UseTree, before: &mut Vec<String>, leaves: &mut Vec<Vec<String>>) {
    match tree {
        UseTree::Path(path) => {
            before.push(path.ident.to_string());
            leaves_of(&path.tree, before, leaves);
            before.pop();
        }
        UseTree::Group(group) => {
            group.items.iter().for_each(|tree| leaves_of(tree, before, leaves));
        }
        UseTree::Glob(_) => leaves.push(before.clone()),
        UseTree::Name(name) if name.ident == "self" => leaves.push(before.clone()),
        UseTree::Name(name) => leaves.push([before.as_slice(), &[name.ident.to_string()]].concat()),
        UseTree::Rename(name) => {
            leaves.push([before.as_slice(), &[name.ident.to_string()]].concat())
        }
    }
}

fn of_tests(item: &Item) -> bool {
    match item {
        Item::Mod(item) => is_for_tests(&item.attrs),
        Item::Use(item) => is_for_tests(&item.attrs),
        Item::Impl(item) => is_for_tests(&item.attrs),
        Item::Fn(item) => is_for_tests(&item.attrs),
        _ => false,
    }
}

fn name_of(item: &Item) -> Option<String> {
    let name = match item {
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Mod(item) => &item.ident,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::Type(item) => &item.ident,
        Item::Macro(item) => item.ident.as_ref()?,
        _ => return None,
    };
    Some(name.to_string())
}
