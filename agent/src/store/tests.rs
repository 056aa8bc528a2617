//! Tests of the store.

use redb::Database;

use super::*;
use crate::fixture;

fn put(key: &str, value: u32, expect: Expect) -> Op {
    Op::put(Table::Meta, key, &value, expect).unwrap()
}

fn value(store: &Store, key: &str) -> Option<u32> {
    store
        .get(Table::Meta, key)
        .unwrap()
        .map(|found| found.value)
}

fn version(store: &Store, key: &str) -> u64 {
    store.get::<u32>(Table::Meta, key).unwrap().unwrap().version
}

#[track_caller]
fn conflicts(store: &Store, ops: Vec<Op>, expected: &str) {
    assert_eq!(store.commit(ops).unwrap_err().to_string(), expected);
}

#[test]
fn a_commit_happens_whole_or_not_at_all() {
    let (_dir, store) = fixture::store();
    store
        .commit(vec![
            put("a", 1, Expect::Absent),
            put("b", 1, Expect::Absent),
        ])
        .unwrap();
    conflicts(
        &store,
        vec![put("c", 2, Expect::Any), put("b", 2, Expect::Absent)],
        "the entry \"b\" of table meta was changed by somebody else",
    );
    assert_eq!(value(&store, "b"), Some(1));
    assert_eq!(value(&store, "c"), None);
}

#[test]
fn an_operation_expects_what_was_read() {
    let (_dir, store) = fixture::store();
    store.commit(vec![put("a", 1, Expect::Any)]).unwrap();
    let read = Expect::Version(version(&store, "a"));
    let changed = "the entry \"a\" of table meta was changed by somebody else";
    store.commit(vec![put("a", 2, read)]).unwrap();
    conflicts(&store, vec![put("a", 3, read)], changed);
    conflicts(&store, vec![Op::delete(Table::Meta, "a", read)], changed);
    conflicts(
        &store,
        vec![Op::check(Table::Meta, "a", Expect::Absent)],
        changed,
    );
    let now = Expect::Version(version(&store, "a"));
    store
        .commit(vec![Op::check(Table::Meta, "a", now)])
        .unwrap();
    store
        .commit(vec![Op::delete(Table::Meta, "a", now)])
        .unwrap();
    assert_eq!(value(&store, "a"), None);
}

#[test]
fn a_version_is_not_used_again_after_its_key_was_deleted() {
    let (_dir, store) = fixture::store();
    store.commit(vec![put("a", 1, Expect::Any)]).unwrap();
    let first = version(&store, "a");
    store
        .commit(vec![Op::delete(Table::Meta, "a", Expect::Any)])
        .unwrap();
    store.commit(vec![put("a", 1, Expect::Absent)]).unwrap();
    assert!(version(&store, "a") > first);
}

#[test]
fn a_prefix_is_listed_in_order_and_can_be_expected_to_be_empty() {
    let (_dir, store) = fixture::store();
    let ops = ["x/b", "x/a", "x0", "w"].map(|key| put(key, 1, Expect::Any));
    store.commit(ops.into()).unwrap();
    let under = |prefix| {
        let found = store.list_under::<u32>(Table::Meta, prefix).unwrap();
        found.into_iter().map(|(key, _)| key).collect::<Vec<_>>()
    };
    assert_eq!(under("x/"), ["x/a", "x/b"]);
    assert_eq!(under("y"), Vec::<String>::new());
    store
        .commit(vec![Op::none_under(Table::Meta, "y")])
        .unwrap();
    conflicts(
        &store,
        vec![Op::none_under(Table::Meta, "x/")],
        "the entry \"x/\" of table meta was changed by somebody else",
    );
}

#[test]
fn of_many_threads_that_change_what_they_read_none_is_lost() {
    let (_dir, store) = fixture::store();
    let increment = || {
        loop {
            let read = store.get::<u32>(Table::Meta, "n").unwrap();
            let next = read.as_ref().map_or(0, |read| read.value) + 1;
            match store.commit(vec![put("n", next, Expect::as_read(read.as_ref()))]) {
                Ok(()) => return,
                Err(error) => assert!(error.is_conflict(), "{error}"),
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..10).for_each(|_| increment()));
        }
    });
    assert_eq!(value(&store, "n"), Some(40));
}

#[test]
fn a_store_whose_making_was_cut_short_is_made_anew() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store");
    std::fs::write(dir.path().join("store.new"), [0; 5000]).unwrap();
    let store = Store::open(&path).unwrap();
    store.commit(vec![put("a", 1, Expect::Any)]).unwrap();
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn a_store_whose_file_failed_is_opened_again() {
    let (_dir, store) = fixture::store();
    store.commit(vec![put("a", 1, Expect::Any)]).unwrap();
    // Somebody still reads what failed.
    let reader = store.inner.database.get().unwrap();
    store.inner.database.close();
    let error = store.commit(vec![put("a", 2, Expect::Any)]).unwrap_err();
    assert!(matches!(error, Error::Storage(_)), "{error}");
    drop(reader);
    assert_eq!(value(&store, "a"), Some(1));
    store.inner.database.close();
    store.commit(vec![put("a", 3, Expect::Any)]).unwrap();
    assert_eq!(value(&store, "a"), Some(3));
}

#[test]
fn what_was_committed_is_there_when_the_store_is_opened_again() {
    let (dir, store) = fixture::store();
    let path = dir.path().join("store");
    store.commit(vec![put("a", 1, Expect::Any)]).unwrap();
    let before = version(&store, "a");
    let error = Store::open(&path).unwrap_err();
    assert!(
        matches!(error, Error::InUse { .. }),
        "one process at a time: {error}"
    );
    drop(store);
    let store = Store::open(&path).unwrap();
    assert_eq!(value(&store, "a"), Some(1));
    store.commit(vec![put("a", 2, Expect::Any)]).unwrap();
    assert!(version(&store, "a") > before);
}

#[test]
fn what_cannot_be_read_is_named_and_not_shown() {
    let (_dir, store) = fixture::store();
    store
        .commit(vec![
            Op::put(Table::Claims, "a", &"canary", Expect::Any).unwrap(),
        ])
        .unwrap();
    let error = store.get::<u32>(Table::Claims, "a").unwrap_err();
    assert_eq!(
        error.to_string(),
        "the entry \"a\" of table claims cannot be read: line 1, column 8"
    );
    let op = Op::put(Table::Claims, "a", &"canary", Expect::Any).unwrap();
    assert_eq!(format!("{op:?}"), "put claims/a");
}

#[test]
fn a_store_of_another_format_is_refused() {
    let (dir, store) = fixture::store();
    drop(store);
    let path = dir.path().join("store");
    let database = Database::create(&path).unwrap();
    let write = database.begin_write().unwrap();
    write
        .open_table(Table::Meta.definition())
        .unwrap()
        .insert("format", 9_u64.to_be_bytes().as_slice())
        .unwrap();
    write.commit().unwrap();
    drop(database);
    let error = Store::open(&path).unwrap_err().to_string();
    assert_eq!(
        error,
        "the store is of format 9, this agent understands 1; run the agent that wrote it, or a \
         later one"
    );
}
