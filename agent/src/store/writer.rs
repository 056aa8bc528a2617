//! The one thread that writes.

use std::sync::{Arc, mpsc};

use redb::{Database, ReadableTable, Table as Open, WriteTransaction};

use super::{
    Error, Expect, FORMAT, Op, Table,
    database::Reopening,
    op::{self, Action},
};

/// Operations to do together, and where to say how it went.
pub(super) struct Commit {
    pub(super) ops: Vec<Op>,
    pub(super) answer: mpsc::SyncSender<Result<(), Error>>,
}

/// Makes the tables, so that reading one that was never written is no error.
pub(super) fn prepare(database: &Database) -> Result<(), Error> {
    let write = database.begin_write()?;
    for table in Table::ALL {
        write.open_table(table.definition())?;
    }
    {
        let mut meta = write.open_table(Table::Meta.definition())?;
        let found = meta
            .get(FORMAT_KEY)?
            .map(|bytes| op::version(bytes.value()));
        match found {
            None => {
                meta.insert(FORMAT_KEY, FORMAT.to_be_bytes().as_slice())?;
            }
            Some(FORMAT) => {}
            Some(found) => return Err(Error::Format { found }),
        }
    }
    write.commit()?;
    Ok(())
}

/// Writes what arrives until nobody can send any more.
pub(super) fn run(database: &Reopening, queue: &mpsc::Receiver<Commit>) {
    while let Ok(first) = queue.recv() {
        let mut group = vec![first];
        while group.len() < GROUP
            && let Ok(next) = queue.try_recv()
        {
            group.push(next);
        }
        let outcomes = match database.get().and_then(|open| write(&open, &group)) {
            Ok(outcomes) => outcomes,
            Err(error) => {
                database.close();
                let error = Arc::new(error);
                let failed = || Err(Error::Storage(Arc::clone(&error)));
                group.iter().map(|_commit| failed()).collect()
            }
        };
        for (commit, outcome) in group.into_iter().zip(outcomes) {
            // Whoever asked may have gone.
            let _gone = commit.answer.send(outcome);
        }
    }
}

/// Writes a group of commits in one transaction. The inner results say which had a conflict.
fn write(database: &Database, group: &[Commit]) -> Result<Vec<Result<(), Error>>, redb::Error> {
    let write = database.begin_write()?;
    let mut outcomes = Vec::with_capacity(group.len());
    let mut version = last_version(&write)?;
    let before = version;
    for commit in group {
        outcomes.push(match conflict(&write, &commit.ops)? {
            Some(conflict) => Err(conflict),
            None => {
                version += 1;
                apply(&write, &commit.ops, version)?;
                Ok(())
            }
        });
    }
    if version == before {
        write.abort()?;
        return Ok(outcomes);
    }
    write
        .open_table(Table::Meta.definition())?
        .insert(VERSION_KEY, version.to_be_bytes().as_slice())?;
    write.commit()?;
    Ok(outcomes)
}

fn last_version(write: &WriteTransaction) -> Result<u64, redb::Error> {
    let meta = write.open_table(Table::Meta.definition())?;
    let version = meta.get(VERSION_KEY)?;
    Ok(version.map_or(0, |bytes| op::version(bytes.value())))
}

/// The conflict of the first of `ops` that does not find what it expects.
fn conflict(write: &WriteTransaction, ops: &[Op]) -> Result<Option<Error>, redb::Error> {
    for op in ops {
        let table = write.open_table(op.table.definition())?;
        let as_expected = match &op.action {
            Action::Put(_, expect) | Action::Delete(expect) | Action::Check(expect) => {
                holds(&table, &op.key, *expect)?
            }
            Action::NoneUnder => {
                let first = table.range(op.key.as_str()..)?.next().transpose()?;
                !first.is_some_and(|(key, _)| key.value().starts_with(&op.key))
            }
        };
        if !as_expected {
            return Ok(Some(op.conflict()));
        }
    }
    Ok(None)
}

fn holds(
    table: &Open<'_, &'static str, &'static [u8]>,
    key: &str,
    expect: Expect,
) -> Result<bool, redb::Error> {
    let found = table.get(key)?.map(|bytes| op::version(bytes.value()));
    Ok(match expect {
        Expect::Any => true,
        Expect::Absent => found.is_none(),
        Expect::Version(version) => found == Some(version),
    })
}

fn apply(write: &WriteTransaction, ops: &[Op], version: u64) -> Result<(), redb::Error> {
    for op in ops {
        let mut table = write.open_table(op.table.definition())?;
        match &op.action {
            Action::Put(json, _) => {
                table.insert(op.key.as_str(), op::encode(version, json).as_slice())?;
            }
            Action::Delete(_) => {
                table.remove(op.key.as_str())?;
            }
            Action::Check(_) | Action::NoneUnder => {}
        }
    }
    Ok(())
}

const FORMAT_KEY: &str = "format";
const VERSION_KEY: &str = "version";

/// How many commits share a flush at most.
const GROUP: usize = 256;
