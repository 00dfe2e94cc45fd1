//! The path and the parameters of one call.

/// A call's path below the server's address, with its query parameters; both still unencoded.
#[derive(Clone, Debug)]
pub struct Path {
    segments: Vec<String>,
    query: Vec<(&'static str, String)>,
}

/// A path of the interface that Fleet's clients use too.
pub fn fleet<const N: usize>(segments: [&str; N]) -> Path {
    Path::below(["api", "latest", "fleet"], segments)
}

/// A path of Muster's own interface.
pub fn muster<const N: usize>(segments: [&str; N]) -> Path {
    Path::below(["api", "muster", "v1"], segments)
}

impl Path {
    fn below<const N: usize>(root: [&str; 3], segments: [&str; N]) -> Self {
        Self { segments: root.into_iter().chain(segments).map(str::to_owned).collect(), query: Vec::new() }
    }

    /// With one more parameter.
    #[must_use]
    pub fn with(mut self, key: &'static str, value: impl ToString) -> Self {
        self.query.push((key, value.to_string()));
        self
    }

    /// With one more parameter, if there is a value for it.
    #[must_use]
    pub fn with_some(self, key: &'static str, value: Option<impl ToString>) -> Self {
        match value {
            Some(value) => self.with(key, value),
            None => self,
        }
    }

    /// The parts between the slashes.
    pub fn segments(&self) -> &[String] {
        &self.segments
    }

    /// The parameters, in the order given.
    pub fn query(&self) -> &[(&'static str, String)] {
        &self.query
    }
}
