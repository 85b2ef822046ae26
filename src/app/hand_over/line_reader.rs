//! Lines from a Unix socket, with the descriptors that are passed with them.

use rustix::{
    cmsg_space,
    net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg},
};
use std::{
    collections::VecDeque,
    io::{self, ErrorKind, IoSliceMut},
    mem::MaybeUninit,
    os::{fd::OwnedFd, unix::net::UnixStream},
};

/// The most descriptors that one message passes (`SCM_MAX_FD` of the kernel).
const MOST_DESCRIPTORS: usize = 253;
/// The longest line.
const LONGEST_LINE: usize = 64 * 1024;

/// Reads lines, and keeps what was passed with them.
#[derive(Debug)]
pub struct LineReader {
    stream: UnixStream,
    bytes: Vec<u8>,
    descriptors: VecDeque<OwnedFd>,
}

impl LineReader {
    pub fn new(stream: UnixStream) -> Self {
        Self { stream, bytes: Vec::new(), descriptors: VecDeque::new() }
    }

    /// The stream, to write to it.
    pub fn stream(&self) -> &UnixStream {
        &self.stream
    }

    /// The next line; `None` at the end.
    pub fn read_line(&mut self) -> io::Result<Option<String>> {
        loop {
            if let Some(end) = self.bytes.iter().position(|byte| *byte == b'\n') {
                let rest = self.bytes.split_off(end + 1);
                let line = std::mem::replace(&mut self.bytes, rest);
                let line = String::from_utf8_lossy(&line).trim_end().to_owned();
                return Ok(Some(line));
            }
            if self.bytes.len() > LONGEST_LINE {
                return Err(io::Error::new(ErrorKind::InvalidData, "a line is too long"));
            }
            if self.receive()? == 0 {
                return Ok(None);
            }
        }
    }

    /// The next descriptor that was passed.
    pub fn take_descriptor(&mut self) -> io::Result<OwnedFd> {
        let missing = || io::Error::new(ErrorKind::InvalidData, "a socket was not passed");
        self.descriptors.pop_front().ok_or_else(missing)
    }

    fn receive(&mut self) -> io::Result<usize> {
        let mut part = [0; 4096];
        let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(MOST_DESCRIPTORS))];
        let mut passed = RecvAncillaryBuffer::new(&mut space);
        let mut into = [IoSliceMut::new(&mut part)];
        let received =
            recvmsg(&self.stream, &mut into, &mut passed, RecvFlags::CMSG_CLOEXEC)?.bytes;
        for message in passed.drain() {
            if let RecvAncillaryMessage::ScmRights(descriptors) = message {
                self.descriptors.extend(descriptors);
            }
        }
        self.bytes.extend_from_slice(part.get(..received).unwrap_or_default());
        Ok(received)
    }
}
