//! Stands in for [`Compression`] in builds without the `deflate` feature: no value of it exists.

use alloc::vec::Vec;

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

pub(crate) fn compress_once(_: u8, _: WindowBits, data: &[u8]) -> Vec<u8> {
    data.to_vec()
}
