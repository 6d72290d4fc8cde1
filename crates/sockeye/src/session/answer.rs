//! What the application answers to a client that asks to be let in.

use alloc::vec::Vec;
use core::time::Duration;

use super::{AnswerError, Closed, Phase, Session, SessionError, Settings};
use crate::{Agreement, ExtraHeaders};

impl Session {
    /// Lets in the client whose request was reported, with this subprotocol, which it must have offered, and these header fields in the
    /// response. Messages may be sent from now on; give what waits behind the request to [`Self::receive`], or call
    /// [`Self::receive_batch`].
    ///
    /// # Errors
    ///
    /// [`AnswerError::NoRequest`], or what [`Request::accept_with`](crate::Request::accept_with) says.
    pub fn admit(
        &mut self,
        now: Duration,
        subprotocol: Option<&str>,
        headers: &ExtraHeaders,
        out: &mut Vec<u8>,
    ) -> Result<Agreement, AnswerError> {
        let (Phase::Asking(request), Settings::Accept(settings)) = (&self.phase, &self.settings)
        else {
            return Err(AnswerError::NoRequest);
        };
        let agreement = request
            .accept_with(&settings.handshake, subprotocol, headers, out)
            .map_err(AnswerError::Handshake)?;
        self.now = now;
        self.open(&agreement, out);
        Ok(agreement)
    }

    /// Refuses the client whose request was reported, with a response of the application's own.
    ///
    /// # Errors
    ///
    /// [`AnswerError::NoRequest`], or what [`Request::refuse_with`](crate::Request::refuse_with) says.
    pub fn refuse(
        &mut self,
        status: u16,
        headers: &ExtraHeaders,
        body: &str,
        out: &mut Vec<u8>,
    ) -> Result<Closed, AnswerError> {
        let Phase::Asking(request) = &self.phase else {
            return Err(AnswerError::NoRequest);
        };
        request
            .refuse_with(status, headers, body, out)
            .map_err(AnswerError::InvalidOption)?;
        Ok(self.fail(SessionError::Refused { status }))
    }
}
