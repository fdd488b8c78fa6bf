//! What every contender hands its messages to: it counts them and touches one byte in 64.

#[derive(Default)]
pub struct Consumer {
    pub messages: u64,
    sum: u64,
    /// All payloads in their order, each with its length behind it; only where contenders are compared.
    record: Option<Vec<u8>>,
    in_message: u64,
}

impl Consumer {
    /// One that keeps all it is given.
    pub fn recording() -> Self {
        Self { record: Some(Vec::new()), ..Self::default() }
    }

    pub fn recorded(&self) -> &[u8] {
        self.record.as_deref().unwrap_or_default()
    }

    /// Takes a whole message.
    pub fn message(&mut self, payload: &[u8]) {
        self.chunk(payload, true);
    }

    /// Takes a piece of a message. It is never inlined, so that every contender calls the same code, and its
    /// instructions can be told from the contender's.
    #[inline(never)]
    pub fn chunk(&mut self, payload: &[u8], last: bool) {
        let touched = payload.iter().step_by(64).map(|&byte| u64::from(byte));
        self.sum = touched.fold(self.sum, u64::wrapping_add);
        self.messages += u64::from(last);
        if self.record.is_some() {
            self.keep(payload, last);
        }
    }

    #[cold]
    fn keep(&mut self, payload: &[u8], last: bool) {
        let Some(record) = &mut self.record else { return };
        record.extend_from_slice(payload);
        self.in_message += payload.len() as u64;
        if last {
            record.extend_from_slice(&self.in_message.to_be_bytes());
            self.in_message = 0;
        }
    }
}
