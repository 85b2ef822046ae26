//! How much of what a client sends is passed on, and how far the head of its request has come.

/// How far a head has been scanned.
#[derive(Debug, Default)]
pub struct HeadScan {
    /// Whether the last byte, carriage returns aside, ended a line.
    at_line_start: bool,
    /// Blank lines since the last flush.
    pub blank_lines: usize,
    /// Bytes of the head so far.
    pub head: usize,
    /// Whether the request line is complete.
    pub has_request_line: bool,
}

impl HeadScan {
    /// How many of `bytes` to pass on; a head has at most `head_limit` bytes, if this is one.
    pub fn take_bytes(
        &mut self,
        bytes: &[u8],
        blank_lines: usize,
        head_limit: Option<usize>,
    ) -> usize {
        for (index, byte) in bytes.iter().enumerate() {
            let is_blank = *byte == b'\n' && self.at_line_start;
            let of_head = self.blank_lines == 0 && head_limit.is_some();
            let is_full = head_limit.is_some_and(|limit| self.head >= limit);
            if (is_blank && self.blank_lines >= blank_lines) || (of_head && is_full) {
                return index;
            }
            self.head += usize::from(of_head);
            self.blank_lines += usize::from(is_blank);
            match byte {
                b'\n' => {
                    self.at_line_start = true;
                    self.has_request_line |= self.head > 2;
                }
                b'\r' => {}
                _ => self.at_line_start = false,
            }
        }
        bytes.len()
    }

    /// A request has begun: what follows is another head.
    pub fn begin_head(&mut self) {
        self.head = 0;
        self.has_request_line = false;
    }
}
