//! New matrices in shared memory, which R attaches.

use std::path::Path;

use bigannoy_descriptor::Descriptor;
use bigannoy_storage::{
    Existing, NewFile, Segment, StorageError, new_segment_name, remove_segment,
};

use crate::create::write_text;
use crate::locate::column_segment;
use crate::{AttachError, BigMatrix, CreateError, MatrixSpec};

/// A matrix in shared memory that belongs to this process: other processes, R among them, attach it
/// through its descriptor and see what is written at once.
///
/// It lives as long as this value. R sessions that attach it count themselves in and out, and leave
/// it in place when they go; when this value is dropped the names are removed, and sessions that have
/// it attached by then keep the numbers. A process that is killed removes nothing: what it made then
/// stays in `/dev/shm` until a restart, as with R, or until it is removed there by name.
///
/// Linux only: elsewhere creating fails with [`StorageError::Unsupported`].
///
/// ```
/// use bigannoy_matrix::{BigMatrix, ElementType, MatrixSpec, SharedMatrix};
/// # if cfg!(target_os = "linux") {
/// let directory = tempfile::tempdir()?;
/// let path = directory.path().join("m.desc");
/// let shared = SharedMatrix::create(&MatrixSpec::new(ElementType::Double, 3, 2))?;
/// shared.attach_mut()?.view_mut::<f64>()?.column_mut(1).fill(0.5);
///
/// shared.write_descriptor(&path)?; // in R: attach.big.matrix("m.desc")
/// let matrix = BigMatrix::attach(&path)?;
/// assert_eq!(matrix.view::<f64>()?.column(1), [0.5; 3]);
/// drop(shared);
/// assert!(BigMatrix::attach(&path).is_err()); // gone
/// assert_eq!(matrix.view::<f64>()?.column(1), [0.5; 3]); // not for who has it
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[must_use = "the matrix is removed when this is dropped"]
pub struct SharedMatrix {
    descriptor: Descriptor,
    /// The counter first: without it R would take itself for the owner.
    segments: Vec<Segment>,
}

impl SharedMatrix {
    /// Makes a matrix of zeros in shared memory under a new, random name.
    ///
    /// All of its memory is taken here, so that writing the numbers cannot fail later.
    ///
    /// # Errors
    /// [`CreateError`]: the shape is empty or too large, names and shape do not agree, or there is
    /// no memory. Nothing is left then.
    pub fn create(spec: &MatrixSpec) -> Result<Self, CreateError> {
        let name = new_segment_name()?;
        let (nrows, ncols) = spec.shape();
        let builder = Descriptor::shared_memory(name.as_str(), spec.element_type(), nrows, ncols);
        let (descriptor, bytes) = spec.describe(builder, Path::new(&name))?;

        let mut segments = vec![Segment::create(&counter(&name), COUNTER_BYTES)?];
        segments[0].map_mut()?.bytes_mut().copy_from_slice(&1i64.to_le_bytes());
        if descriptor.is_separated() {
            for column in 0..ncols {
                segments.push(Segment::create(&column_segment(name.as_bytes(), column), bytes)?);
            }
        } else {
            segments.push(Segment::create(name.as_bytes(), bytes)?);
        }
        Ok(SharedMatrix { descriptor, segments })
    }

    /// The descriptor: its text, or its RDS form, is what R needs to attach the matrix.
    #[must_use]
    pub fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    /// The matrix, for reading.
    ///
    /// # Errors
    /// [`AttachError`]: it is attached for writing in this process, or another process has removed
    /// it.
    pub fn attach(&self) -> Result<BigMatrix, AttachError> {
        BigMatrix::attach_descriptor(&self.descriptor)
    }

    /// The matrix, for reading and writing.
    ///
    /// # Errors
    /// [`AttachError`]: it is attached in this process already, or another process has removed it.
    pub fn attach_mut(&self) -> Result<BigMatrix, AttachError> {
        BigMatrix::attach_descriptor_mut(&self.descriptor)
    }

    /// Writes the descriptor's text to a new file at `path`. The file is not removed with the
    /// matrix; it then leads nowhere, as R's do.
    ///
    /// # Errors
    /// [`StorageError`]: a file stands there, or the disk will not take it.
    pub fn write_descriptor(&self, path: impl AsRef<Path>) -> Result<(), StorageError> {
        let mut text = NewFile::create(path.as_ref())?;
        write_text(&mut text, &self.descriptor)?;
        text.commit(Existing::Refuse)
    }
}

impl Drop for SharedMatrix {
    fn drop(&mut self) {
        // Data before the counter, so that nobody finds data that is not counted.
        self.segments.drain(1..);
        // One user less: the last R session to go then knows that it is the last, and cleans up
        // after itself. Whoever cannot be told is no reason to keep the names.
        if let Ok(mut count) = self.segments[0].map_mut()
            && let Ok(bytes) = <&mut [u8; 8]>::try_from(count.bytes_mut())
        {
            *bytes = i64::from_le_bytes(*bytes).saturating_sub(1).to_le_bytes();
        }
        self.segments.clear();
        let bigannoy_descriptor::Storage::SharedMemory { name } = self.descriptor.storage() else {
            return;
        };
        // R leaves the file of its semaphore behind while others have the matrix.
        let semaphore = [b"sem.", name.as_bytes(), b"_bigmemory_counter_mutex"].concat();
        let _ = remove_segment(&semaphore);
    }
}

/// R keeps the number of processes that hold a matrix in a segment of its own, as a 64-bit integer.
const COUNTER_BYTES: u64 = 8;

fn counter(name: &str) -> Vec<u8> {
    format!("{name}_counter").into_bytes()
}
