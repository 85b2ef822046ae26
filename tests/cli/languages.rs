//! What people read is in two languages: every problem's English text has a Korean one.

use std::{
    fs,
    path::{Path, PathBuf},
};
use syn::{
    Expr, ExprCall, ExprLit, ExprMacro, Lit, Local, Pat,
    visit::{self, Visit},
};

/// A text of a source file that is shown to those who read Korean.
struct KoreanText {
    file: String,
    text: String,
}

/// Gathers the Korean texts of a file: what is bound to `ko`, and what is given to a problem or a refusal after the
/// English text.
struct Gather<'a> {
    file: &'a str,
    found: Vec<KoreanText>,
    /// How many problems and refusals were made.
    made: usize,
}

/// The string literals within an expression: itself, or the format of a macro.
struct Literals(Vec<String>);

impl<'ast> Visit<'ast> for Literals {
    fn visit_expr_lit(&mut self, expr: &'ast ExprLit) {
        if let Lit::Str(text) = &expr.lit {
            self.0.push(text.value());
        }
    }
    fn visit_expr_macro(&mut self, expr: &'ast ExprMacro) {
        // The first literal of `format!` is its format; the others are values.
        let first = expr.mac.tokens.clone().into_iter().next();
        if let Some(Ok(text)) = first.map(|token| syn::parse_str::<syn::LitStr>(&token.to_string()))
        {
            self.0.push(text.value());
        }
    }
}

fn literals(expr: &Expr) -> Vec<String> {
    let mut literals = Literals(Vec::new());
    literals.visit_expr(expr);
    literals.0
}

impl Gather<'_> {
    fn keep(&mut self, expr: &Expr) {
        let file = self.file;
        let texts = literals(expr).into_iter();
        self.found.extend(texts.map(|text| KoreanText { file: file.to_owned(), text }));
    }
}

impl<'ast> Visit<'ast> for Gather<'_> {
    fn visit_local(&mut self, local: &'ast Local) {
        if let (Pat::Ident(name), Some(value)) = (&local.pat, &local.init)
            && name.ident == "ko"
        {
            self.keep(&value.expr);
        }
        visit::visit_local(self, local);
    }
    fn visit_expr_call(&mut self, call: &'ast ExprCall) {
        if let Expr::Path(path) = call.func.as_ref() {
            let path: Vec<_> =
                path.path.segments.iter().map(|segment| segment.ident.to_string()).collect();
            let path: Vec<&str> = path.iter().map(String::as_str).collect();
            let is_text = matches!(
                path.as_slice(),
                ["Problem" | "Refusal", "new" | "conflict" | "invalid"]
                    | ["Self", "conflict" | "invalid"]
            );
            if let (true, [.., _, korean]) =
                (is_text, call.args.iter().collect::<Vec<_>>().as_slice())
            {
                self.made += 1;
                self.keep(korean);
            }
        }
        visit::visit_expr_call(self, call);
    }
}

fn sources(directory: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push(path);
        }
    }
}

/// The text without what stays as it is in every language: what is in backticks, and what is filled in.
fn prose(text: &str) -> String {
    let mut prose = String::new();
    for (place, part) in text.split('`').enumerate() {
        if place % 2 == 0 {
            let mut depth = 0_usize;
            for letter in part.chars() {
                match letter {
                    '{' => depth += 1,
                    '}' => depth = depth.saturating_sub(1),
                    letter if depth == 0 => prose.push(letter),
                    _ => {}
                }
            }
        }
    }
    prose
}

/// Whether three words in a row are in Latin letters: names and headers have fewer.
fn has_latin_sentence(text: &str) -> bool {
    // Lists of names have commas, and methods are in capitals.
    let is_latin = |word: &&str| {
        word.len() > 1
            && word.chars().any(|letter| letter.is_ascii_lowercase())
            && word.chars().all(|letter| letter.is_ascii_alphabetic() || ".;:'".contains(letter))
    };
    let words: Vec<&str> = text.split_whitespace().collect();
    words.windows(3).any(|words| words.iter().all(is_latin))
}

#[test]
fn every_problem_and_refusal_has_a_korean_text_without_an_english_sentence() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    let mut found = Vec::new();
    let mut made = 0;
    for path in files {
        let file = path.strip_prefix(&root).unwrap().display().to_string();
        if file.ends_with("tests.rs") {
            continue;
        }
        let mut tree = syn::parse_file(&fs::read_to_string(&path).unwrap()).unwrap();
        // Tests refuse in any words.
        tree.items
            .retain(|item| !matches!(item, syn::Item::Mod(module) if module.ident == "tests"));
        let mut gather = Gather { file: &file, found: Vec::new(), made: 0 };
        gather.visit_file(&tree);
        found.extend(gather.found);
        made += gather.made;
    }
    assert!(made > 60 && found.len() > 60, "{made} made, {} texts", found.len());
    let wrong: Vec<_> = found
        .iter()
        .filter(|KoreanText { text, .. }| {
            let prose = prose(text);
            let has_hangul = prose.chars().any(|letter| ('가'..='힣').contains(&letter));
            !has_hangul || has_latin_sentence(&prose)
        })
        .map(|KoreanText { file, text }| format!("{file}: {text}"))
        .collect();
    assert!(wrong.is_empty(), "{} texts are not Korean: {wrong:#?}", wrong.len());
}

#[test]
fn a_latin_sentence_is_distinguished_from_names_within_a_korean_one() {
    for text in ["the book is out", "오류: key must be a string at line 1"] {
        assert!(has_latin_sentence(text), "{text}");
    }
    for text in [
        "Idempotency-Key는 1~255자의 문자열이어야 합니다",
        "JSON을 읽을 수 없습니다",
        "bookrent.rent의 기록",
    ] {
        assert!(!has_latin_sentence(text), "{text}");
    }
    assert_eq!(prose("`limit`은 {a} 1 이상의 {b:?} 숫자"), "은  1 이상의  숫자");
}
