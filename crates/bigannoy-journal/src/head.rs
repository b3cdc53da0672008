//! What a journal begins with: lines that say which search it is of.

use std::fmt;

/// The first line, with the version of what follows.
const TITLE: &str = "bigannoy journal 1";
/// The most bytes that a head may have.
pub(crate) const MOST_BYTES: usize = 1 << 16;

/// The shape of the answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// All queries.
    pub n_query: u64,
    /// Neighbors of each, at most.
    pub k: u32,
    /// Items that can be neighbors: those found have lower numbers.
    pub n_items: u32,
    /// Whether distances have double precision.
    pub double: bool,
}

/// Which search a journal is of: the shape of its answers, and all that decides them, by name.
///
/// Written as lines of `name: value`, for people to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    shape: Shape,
    settings: Vec<(String, String)>,
}

/// The first thing in which two searches differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Its name.
    pub name: String,
    /// What the journal has.
    pub begun: Option<String>,
    /// What was asked for now.
    pub now: Option<String>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let show = |value: &Option<String>| value.clone().unwrap_or_else(|| "not set".to_owned());
        write!(f, "there {} is {}, here {}", self.name, show(&self.begun), show(&self.now))
    }
}

/// Why bytes are no head.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HeadError {
    /// The first line is another.
    #[error("the first line is not \"{TITLE}\"")]
    Title,
    /// There is no empty line in the first 64 KiB.
    #[error("its head does not end within {MOST_BYTES} bytes")]
    Endless,
    /// A line is no `name: value`.
    #[error("line {line} is not of the form name: value")]
    Line {
        /// Counted from 1.
        line: usize,
    },
    /// The shape is missing, or no number where it should be one.
    #[error("it has no usable line {name}")]
    Shape {
        /// The line.
        name: &'static str,
    },
    /// The hash after the head is another.
    #[error("its head was altered")]
    Hash,
}

impl Head {
    /// A search with answers of this shape, and nothing else said of it.
    #[must_use]
    pub fn new(shape: Shape) -> Self {
        Head { shape, settings: Vec::new() }
    }

    /// Adds a setting. Control characters are written as spaces, and colons of a name are.
    #[must_use]
    pub fn with(mut self, name: impl fmt::Display, value: impl fmt::Display) -> Self {
        let plain = |text: String| text.replace(char::is_control, " ");
        let name = plain(name.to_string()).replace(':', " ");
        self.settings.push((name.trim().to_owned(), plain(value.to_string()).trim().to_owned()));
        self
    }

    /// The shape of the answers.
    #[must_use]
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// The first thing in which `now` differs from this head, or `None` where all is the same.
    #[must_use]
    pub fn difference(&self, now: &Head) -> Option<Difference> {
        let (begun, now) = (self.lines(), now.lines());
        (0..begun.len().max(now.len())).find_map(|at| {
            let (a, b) = (begun.get(at), now.get(at));
            if a == b {
                return None;
            }
            let (name, _) = b.or(a)?;
            let value = |line: Option<&(String, String)>| {
                line.filter(|(other, _)| other == name).map(|(_, value)| value.clone())
            };
            Some(Difference { name: name.clone(), begun: value(a), now: value(b) })
        })
    }

    fn lines(&self) -> Vec<(String, String)> {
        let Shape { n_query, k, n_items, double } = self.shape;
        let shape = [
            ("queries", n_query.to_string()),
            ("k", k.to_string()),
            ("items", n_items.to_string()),
            ("double", double.to_string()),
        ];
        let shape = shape.map(|(name, value)| (name.to_owned(), value));
        shape.into_iter().chain(self.settings.iter().cloned()).collect()
    }

    /// The lines, ended by an empty one.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut text = format!("{TITLE}\n");
        for (name, value) in self.lines() {
            text.extend([&name, ": ", &value, "\n"]);
        }
        text.push('\n');
        text.into_bytes()
    }

    /// Reads the head at the beginning of `bytes`; tells how many bytes it has.
    ///
    /// # Errors
    /// [`HeadError`]: there is none.
    pub fn parse(bytes: &[u8]) -> Result<(Self, usize), HeadError> {
        let bytes = &bytes[..bytes.len().min(MOST_BYTES)];
        if !bytes.starts_with(format!("{TITLE}\n").as_bytes()) {
            return Err(HeadError::Title);
        }
        let end = bytes.windows(2).position(|two| two == b"\n\n").ok_or(HeadError::Endless)? + 2;
        let mut lines = Vec::new();
        for (at, line) in bytes[..end - 2].split(|&byte| byte == b'\n').enumerate().skip(1) {
            let line = std::str::from_utf8(line).ok().and_then(|line| line.split_once(": "));
            let (name, value) = line.ok_or(HeadError::Line { line: at + 1 })?;
            lines.push((name.to_owned(), value.to_owned()));
        }
        let mut settings = lines.into_iter();
        let mut shape = |name: &'static str| match settings.next() {
            Some((found, value)) if found == name => Ok(value),
            _ => Err(HeadError::Shape { name }),
        };
        let (n_query, k) = (shape("queries")?, shape("k")?);
        let (n_items, double) = (shape("items")?, shape("double")?);
        let number = |name, text: &str| text.parse::<u64>().map_err(|_| HeadError::Shape { name });
        let small = |name, text: &str| text.parse::<u32>().map_err(|_| HeadError::Shape { name });
        let shape = Shape {
            n_query: number("queries", &n_query)?,
            k: small("k", &k)?,
            n_items: small("items", &n_items)?,
            double: double.parse().map_err(|_| HeadError::Shape { name: "double" })?,
        };
        Ok((Head { shape, settings: settings.collect() }, end))
    }
}
