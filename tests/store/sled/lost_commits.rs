//! Stores that lost the end of their journal, their watermark, or themselves.

use super::*;

#[test]
fn a_store_that_lost_its_tail_names_the_commits_and_opens_only_when_allowed() {
    let (keep, path) = dir();
    let store = open(&path).expect("opens");
    let owner = active(&store);
    settle(&store, put(&store, owner, 1, b"kept"));
    drop(store);
    let old = keep.path().join("old");
    copy_files(&path, &old);
    let store = open(&path).expect("opens");
    let owner = active(&store);
    let last = (2..6).map(|key| put(&store, owner, key, b"lost")).last().unwrap_or_default();
    drop(store);
    // The store as it was before, beside the watermark of now: so it looks when a disk forgot what it had promised.
    fs::copy(path.join("watermark"), old.join("watermark")).expect("copies");

    let words = refusal(&old);
    assert!(words.contains("commits 2 to 5") && words.contains("--accept-data-loss"), "{words}");
    refusal(&old);

    let store = open_accepting_loss(&old).expect("opens as told");
    assert_eq!(rows(&store).len(), 1);
    assert_eq!(put(&store, active(&store), 2, b"new"), last + 1, "a lost number is not used again");
    drop(store);
    assert!(open(&old).is_ok(), "once told, it is well");
}

#[test]
fn after_an_accepted_loss_what_is_left_is_the_whole() {
    let (_keep, path) = dir();
    let last = filled(&path);
    let journal = journal(&path);
    let mut bytes = fs::read(&journal).expect("reads");
    bytes.iter_mut().skip(12_000).take(100).for_each(|byte| *byte ^= 0xa5);
    fs::write(&journal, bytes).expect("writes");
    assert!(refusal(&path).contains("--accept-data-loss"));
    let store = open_accepting_loss(&path).expect("opens as told");
    let left = rows(&store).len();
    assert!((590..600).contains(&left), "{left} rows are left");
    drop(store);
    for round in 1..4 {
        let store = open(&path).expect("once told, it is well");
        assert!(
            put(&store, active(&store), 1000 + round, b"new") > last,
            "a lost number is not used again"
        );
        assert_eq!(rows(&store).len(), left + round as usize);
    }
}

#[test]
fn a_cut_tail_is_noticed() {
    let (_keep, path) = dir();
    let store = open(&path).expect("opens");
    let owner = active(&store);
    settle(&store, put(&store, owner, 1, b"first"));
    for key in 2..40 {
        settle(&store, put(&store, owner, key, &[7; 100]));
    }
    drop(store);
    let journal = journal(&path);
    let bytes = fs::read(&journal).expect("reads");
    fs::write(&journal, &bytes[..written(&bytes) - 600]).expect("writes");
    let words = refusal(&path);
    assert!(words.contains("has lost") || words.contains("is damaged"), "{words}");
}

#[test]
fn a_store_that_is_gone_or_another_one_is_not_taken_for_the_right_one() {
    let (_keep, path) = dir();
    let last = filled(&path);
    let (_keep, other) = dir();
    drop(open(&other).expect("opens"));
    let watermark = path.join("watermark");
    fs::copy(&watermark, other.join("watermark")).expect("copies");
    assert!(refusal(&other).contains("holds another store"));

    let (_keep, gone) = dir();
    fs::create_dir(&gone).expect("creates");
    fs::copy(&watermark, gone.join("watermark")).expect("copies");
    let words = refusal(&gone);
    assert!(words.contains(&format!("commits 1 to {last} are missing")), "{words}");
    assert_eq!(open_accepting_loss(&gone).expect("opens as told").durable_commit(), last);
}

#[test]
fn a_missing_watermark_is_made_anew_and_a_damaged_one_is_not_passed_over() {
    let (_keep, path) = dir();
    let last = filled(&path);
    let watermark = path.join("watermark");
    let whole = fs::read(&watermark).expect("reads");
    fs::remove_file(&watermark).expect("removes");
    assert_eq!(open(&path).expect("opens").durable_commit(), last);
    assert_eq!(fs::read(&watermark).expect("made anew"), whole);
    fs::write(&watermark, &whole[..9]).expect("writes");
    assert!(refusal(&path).contains("watermark that cannot be read"));
    assert_eq!(open_accepting_loss(&path).expect("opens as told").durable_commit(), last);
}
