//! The file.

use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use bigannoy_storage::{Access, Claim, Existing, OpenFile, StorageError};

use crate::block::{FIXED, Fixed, HASH, MOST_PLACES};
use crate::head::MOST_BYTES;
use crate::{Block, Head, HeadError, JournalError};

/// As much work as a crash of the whole machine may cost; a killed process costs its block alone.
const SYNC_EVERY: Duration = Duration::from_secs(10);
/// Bytes of the hash behind the head.
const HEAD_HASH: usize = 32;

/// The place of the journal of a result that is found by the file `result`: beside it, with
/// `.journal` behind the name.
#[must_use]
pub fn journal_path(result: &Path) -> PathBuf {
    let mut path = result.as_os_str().to_owned();
    path.push(".journal");
    path.into()
}

/// How far an unfinished result has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfinished {
    /// The journal that says so.
    pub journal: PathBuf,
    /// Queries whose answers are kept.
    pub complete: u64,
    /// All queries; 0 where the journal's own beginning is damaged.
    pub n_query: u64,
}

/// Whether a journal says that the result found by `result` is unfinished. `None` where there is no
/// journal. Cost: the journal is read once.
///
/// # Errors
/// [`JournalError::Storage`]: it cannot be read.
pub fn unfinished(result: &Path) -> Result<Option<Unfinished>, JournalError> {
    let journal = journal_path(result);
    let mut reader = match Reader::open(&journal) {
        // Never there, or removed at this moment by a search that is done.
        Err(JournalError::Storage(StorageError::Io { source, .. }))
            if source.kind() == io::ErrorKind::NotFound =>
        {
            return Ok(None);
        }
        opened => opened?,
    };
    match reader.head() {
        Ok(head) => {
            while reader.next(&head)?.is_some() {}
            let (complete, n_query) = (reader.complete, head.shape().n_query);
            Ok(Some(Unfinished { journal, complete, n_query }))
        }
        Err(JournalError::Head { .. }) => Ok(Some(Unfinished { journal, complete: 0, n_query: 0 })),
        Err(error) => Err(error),
    }
}

/// The journal of a running search. Dropped, it stays for the next process; see [`Journal::remove`].
#[derive(Debug)]
pub struct Journal {
    file: File,
    path: PathBuf,
    head: Head,
    head_hash: blake3::Hash,
    complete: u64,
    /// The last block of a journal that is gone on with, and its first query.
    last: Option<(u64, Block)>,
    synced: Instant,
    /// Held as long as the journal is open: one process at a time.
    _claim: Claim,
}

impl Journal {
    /// Begins a journal at `path`, where no file may stand. It appears with its whole head.
    ///
    /// # Errors
    /// [`JournalError::Storage`]: it cannot be written, something stands there, or another process
    /// has it.
    pub fn create(path: &Path, head: &Head) -> Result<Self, JournalError> {
        let claim = Claim::take(path)?;
        claim.remove_leftovers([path])?;
        let bytes = head.to_bytes();
        let hash = blake3::hash(&bytes);
        let mut file = claim.new_file(path)?;
        let written = file.write_all(&bytes).and_then(|()| file.write_all(hash.as_bytes()));
        written.map_err(StorageError::io("write", path))?;
        file.commit(Existing::Refuse)?;
        Self::open(path, head.clone(), hash, claim)
    }

    /// Goes on with the journal at `path`, of which everything that is not whole is cut off.
    ///
    /// # Errors
    /// [`JournalError`]: it cannot be read or written, another process has it, it is no journal, or it
    /// is of another search than `head` describes. It is unchanged then.
    pub fn resume(path: &Path, head: &Head) -> Result<Self, JournalError> {
        let claim = Claim::take(path)?;
        let mut reader = Reader::open(path)?;
        let found = reader.head()?;
        if let Some(difference) = found.difference(head) {
            return Err(JournalError::OtherSearch { path: path.to_path_buf(), difference });
        }
        let mut last = None;
        let mut first = reader.complete;
        while let Some(block) = reader.next(&found)? {
            last = Some((first, block));
            first = reader.complete;
        }
        let mut journal = Self::open(path, found, reader.head_hash, claim)?;
        (journal.complete, journal.last) = (reader.complete, last);
        let cut =
            journal.file.set_len(reader.end).and_then(|()| journal.file.seek(SeekFrom::End(0)));
        cut.map_err(StorageError::io("write", path))?;
        Ok(journal)
    }

    fn open(
        path: &Path,
        head: Head,
        head_hash: blake3::Hash,
        claim: Claim,
    ) -> Result<Self, JournalError> {
        let mut file = OpenOptions::new()
            .write(true)
            .open(path)
            .map_err(StorageError::io("open for writing", path))?;
        file.seek(SeekFrom::End(0)).map_err(StorageError::io("write", path))?;
        let (path, synced) = (path.to_path_buf(), Instant::now());
        let (complete, last) = (0, None);
        Ok(Journal { file, path, head, head_hash, complete, last, synced, _claim: claim })
    }

    /// Queries whose answers are kept: the first ones.
    #[must_use]
    pub fn complete(&self) -> u64 {
        self.complete
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Keeps the answers to the next queries. They outlive the process when this returns, and a crash
    /// of the machine some seconds later.
    ///
    /// # Errors
    /// [`JournalError::Storage`]: they cannot be written.
    ///
    /// # Panics
    /// If the block has not the shape of the head, more rows than queries are left, or as more than one
    /// row places for more than 2²⁴ neighbors.
    pub fn append(&mut self, block: &Block) -> Result<(), JournalError> {
        let (shape, rows) = (self.head.shape(), block.neighbors.nrows() as u64);
        assert_eq!(block.neighbors.k(), shape.k as usize, "a block of another k");
        assert_eq!(block.neighbors.is_double(), shape.double, "a block of another precision");
        assert!(rows <= shape.n_query - self.complete, "a block of more rows than are left");
        let places = rows.saturating_mul(u64::from(shape.k));
        assert!(rows <= 1 || places <= MOST_PLACES, "a block of {places} places");
        if rows == 0 {
            return Ok(());
        }
        let mut bytes = block.to_bytes(self.complete);
        bytes.extend(hash(self.head_hash, &bytes));
        let start = self.file.stream_position().map_err(StorageError::io("write", &self.path))?;
        self.file.write_all(&bytes).map_err(|source| {
            let message = format!("{} bytes after the first {start}: {source}", bytes.len());
            let source = io::Error::new(source.kind(), message);
            StorageError::io("write", &self.path)(source)
        })?;
        self.complete += rows;
        if self.synced.elapsed() >= SYNC_EVERY {
            self.file.sync_data().map_err(StorageError::io("write", &self.path))?;
            self.synced = Instant::now();
        }
        Ok(())
    }

    /// The last block that was kept when [`Journal::resume`] opened it, and the number of its first
    /// query: for a look whether the same search would answer it in the same way. It is handed over
    /// once.
    pub fn take_last(&mut self) -> Option<(u64, Block)> {
        self.last.take()
    }

    /// Hands over all blocks that are kept, in the order of the queries. Memory: one block.
    ///
    /// # Errors
    /// [`JournalError::Storage`] where the file has changed since it was opened, or what `take` says.
    pub fn replay<E: From<JournalError>>(
        &self,
        take: &mut dyn FnMut(Block) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut reader = Reader::open(&self.path)?;
        reader.head()?;
        while reader.complete < self.complete {
            let block = reader.next(&self.head)?;
            let changed = || StorageError::Replaced { path: self.path.clone() };
            take(block.ok_or_else(|| JournalError::from(changed()))?)?;
        }
        Ok(())
    }

    /// Removes the file: the result is complete, or not wanted.
    ///
    /// # Errors
    /// [`JournalError::Storage`]: it cannot be removed.
    pub fn remove(self) -> Result<(), JournalError> {
        std::fs::remove_file(&self.path).map_err(StorageError::io("remove", &self.path))?;
        Ok(())
    }

    /// Removes the journal at `path`, whatever it is of, if there is one.
    ///
    /// # Errors
    /// [`JournalError::Storage`]: it cannot be removed, what stands there is no file, or another
    /// process has it.
    pub fn discard(path: &Path) -> Result<(), JournalError> {
        let _claim = Claim::take(path)?;
        Existing::Replace.check(path)?;
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(StorageError::io("remove", path)(error).into())
            }
            _ => Ok(()),
        }
    }
}

/// The hash behind a block, which depends on the head too.
fn hash(head: blake3::Hash, block: &[u8]) -> [u8; HASH] {
    let mut short = [0; HASH];
    let hash = blake3::keyed_hash(head.as_bytes(), block);
    short.copy_from_slice(&hash.as_bytes()[..HASH]);
    short
}

/// Reads a journal from its beginning, as far as it is whole.
struct Reader {
    file: BufReader<File>,
    path: PathBuf,
    /// Bytes of the file when it was opened.
    len: u64,
    /// Where the last whole part ends.
    end: u64,
    head_hash: blake3::Hash,
    complete: u64,
}

impl Reader {
    fn open(path: &Path) -> Result<Self, JournalError> {
        let file = OpenFile::open(path, Access::ReadOnly)?;
        let len = file.len_bytes()?;
        let head_hash = blake3::Hash::from_bytes([0; 32]);
        let file = BufReader::with_capacity(1 << 16, file.into_file());
        Ok(Reader { file, path: path.to_path_buf(), len, end: 0, head_hash, complete: 0 })
    }

    fn failed(&self, error: io::Error) -> JournalError {
        StorageError::io("read", &self.path)(error).into()
    }

    fn head(&mut self) -> Result<Head, JournalError> {
        let mut bytes = Vec::new();
        let most = (MOST_BYTES + HEAD_HASH) as u64;
        (&mut self.file).take(most).read_to_end(&mut bytes).map_err(|e| self.failed(e))?;
        let parsed = Head::parse(&bytes).and_then(|(head, end)| {
            let hash = bytes.get(end..end + HEAD_HASH).ok_or(HeadError::Hash)?;
            let expected = blake3::hash(&bytes[..end]);
            if expected.as_bytes() != hash {
                return Err(HeadError::Hash);
            }
            Ok((head, end, expected))
        });
        let (head, end, hash) =
            parsed.map_err(|source| JournalError::Head { path: self.path.clone(), source })?;
        self.head_hash = hash;
        self.end = (end + HEAD_HASH) as u64;
        self.file.seek(SeekFrom::Start(self.end)).map_err(|e| self.failed(e))?;
        Ok(head)
    }

    /// The next block, or `None` where there is no other that is whole.
    fn next(&mut self, head: &Head) -> Result<Option<Block>, JournalError> {
        let shape = head.shape();
        let left = self.len.saturating_sub(self.end);
        let mut fixed = [0; FIXED];
        if left < (FIXED + HASH) as u64 || !self.fill(&mut fixed)? {
            return Ok(None);
        }
        // What the block says of its size is believed no further than the file reaches.
        let parsed = Fixed::parse(&fixed, shape, self.complete);
        let sized = parsed.and_then(|parsed| Some((parsed, parsed.body(shape)?)));
        let Some((parsed, body)) = sized.filter(|&(_, body)| {
            body.checked_add((FIXED + HASH) as u64).is_some_and(|whole| whole <= left)
        }) else {
            return Ok(None);
        };
        let Ok(size) = usize::try_from(body) else { return Ok(None) };
        let mut bytes = vec![0; FIXED + size + HASH];
        bytes[..FIXED].copy_from_slice(&fixed);
        if !self.fill(&mut bytes[FIXED..])? {
            return Ok(None);
        }
        let (whole, found) = bytes.split_at(FIXED + size);
        if hash(self.head_hash, whole) != found {
            return Ok(None);
        }
        let Some(block) = parsed.block(shape, &whole[FIXED..]) else { return Ok(None) };
        self.end += bytes.len() as u64;
        self.complete += parsed.rows();
        Ok(Some(block))
    }

    /// Whether there were enough bytes to fill `out`.
    fn fill(&mut self, out: &mut [u8]) -> Result<bool, JournalError> {
        match self.file.read_exact(out) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
            Err(error) => Err(self.failed(error)),
        }
    }
}
