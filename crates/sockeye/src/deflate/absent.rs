//! Stands in for [`Compression`] in builds without the `deflate` feature: no value of it exists.

use alloc::vec::Vec;
use core::ops::{Deref, DerefMut};

use super::{DeflateParameters, PerMessageDeflate, WindowBits};
use crate::{ProtocolError, Role};

#[derive(Debug)]
pub(crate) enum Compression {}

impl Compression {
    pub(crate) const fn new(_: Role, _: &PerMessageDeflate, _: &DeflateParameters) -> Option<Self> {
        None
    }

    pub(crate) fn inflate(
        &mut self,
        _: &[u8],
        _: &mut Vec<u8>,
        _: usize,
    ) -> Result<(), ProtocolError> {
        match *self {}
    }

    pub(crate) fn finish_inflate(&mut self) -> Result<(), ProtocolError> {
        match *self {}
    }

    pub(crate) fn deflate(&mut self, _: &[u8], _: &mut Vec<u8>) {
        match *self {}
    }

    pub(crate) fn deflate_last(&mut self, _: &[u8], _: &mut Vec<u8>) {
        match *self {}
    }

    pub(crate) fn forget(&mut self) {
        match *self {}
    }

    pub(crate) const fn level(&self) -> u8 {
        match *self {}
    }

    pub(crate) const fn window(&self) -> WindowBits {
        match *self {}
    }

    pub(crate) const fn compresses(&self, _: usize) -> bool {
        match *self {}
    }

    pub(crate) const fn begin_deflate(&mut self) {
        match *self {}
    }

    pub(crate) const fn set_enabled(&mut self, _: bool) {
        match *self {}
    }

    pub(crate) const fn set_level(&mut self, _: u8) {
        match *self {}
    }
}

/// Stands in for a box of it, so that the compiler sees that none exists and leaves out what it would do.
#[derive(Debug)]
pub(crate) enum Boxed {}

impl From<Compression> for Boxed {
    fn from(compression: Compression) -> Self {
        match compression {}
    }
}

impl Deref for Boxed {
    type Target = Compression;

    fn deref(&self) -> &Compression {
        match *self {}
    }
}

impl DerefMut for Boxed {
    fn deref_mut(&mut self) -> &mut Compression {
        match *self {}
    }
}

pub(crate) fn compress_once(_: u8, _: WindowBits, data: &[u8]) -> Vec<u8> {
    data.to_vec()
}
