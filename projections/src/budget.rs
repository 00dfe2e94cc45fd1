//! How much is held at once for one reader.
//!
//! An answer may be many megabytes large, so pages and batches end by bytes as well as by number: what does not fit comes
//! with the next one.

/// Bytes of rows in one page or batch, unpacked; and as many packed ones on their way there.
pub const PAGE_BYTES: usize = 8 << 20;

/// What a row is charged beside its text: read, it is an object with keys and values of their own.
pub const ROW_BYTES: usize = 512;

/// What is left of an allowance of bytes.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    left: usize,
    used: bool,
}

impl Budget {
    pub fn new(bytes: usize) -> Budget {
        Budget { left: bytes, used: false }
    }

    /// Takes so many bytes, if they fit. The first always do: else nobody would ever get past what is too large.
    pub fn takes(&mut self, bytes: usize) -> bool {
        let fits = bytes <= self.left || !self.used;
        if fits {
            self.left = self.left.saturating_sub(bytes);
            self.used = true;
        }
        fits
    }
}

#[cfg(test)]
mod tests {
    use super::Budget;

    #[test]
    fn what_fits_is_taken_and_the_first_always() {
        let mut budget = Budget::new(10);
        assert_eq!([4, 6, 1].map(|bytes| budget.takes(bytes)), [true, true, false]);
        let mut small = Budget::new(10);
        assert_eq!([11, 1, 0].map(|bytes| small.takes(bytes)), [true, false, true]);
    }
}
