//! Frame headers: what is parsed is encoded to the same bytes, every proper prefix asks for more, and the plain checker
//! agrees (RFC 6455 §5.2).

use websocket_proto::FrameHeader;

pub fn oracle(data: &[u8]) {
    match FrameHeader::parse(data) {
        Ok(Some((header, size))) => {
            assert!((2..=FrameHeader::MAX).contains(&size), "{header:?}");
            assert_eq!(header.encode().as_deref(), Ok(&data[..size]), "{header:?}");
            for end in 0..size {
                assert_eq!(FrameHeader::parse(&data[..end]), Ok(None), "{end} of {size} bytes");
            }
            // What follows does not matter.
            assert_eq!(FrameHeader::parse(&data[..size]), Ok(Some((header, size))));
            assert_eq!(plain_fault(data), None);
        }
        Ok(None) => {
            assert!(data.len() < FrameHeader::MAX);
            assert_eq!(plain_fault(data), None);
            for end in 0..data.len() {
                assert_eq!(FrameHeader::parse(&data[..end]), Ok(None));
            }
        }
        Err(error) => {
            assert!(plain_fault(data).is_some(), "{error:?}");
            // The same, however much has come, from some byte on; before it, more is asked for.
            let known = (0..=data.len()).find(|end| FrameHeader::parse(&data[..*end]).is_err());
            for end in 0..=data.len() {
                let expected = if Some(end) < known { Ok(None) } else { Err(error) };
                assert_eq!(FrameHeader::parse(&data[..end]), expected);
            }
        }
    }
    encode(data);
}

/// Encodes any header there is: refused, or parsed to the same.
fn encode(data: &[u8]) {
    let Some((&[first, second, ref rest @ ..], key)) = data.split_first_chunk::<10>() else {
        return;
    };
    let Some(opcode) = websocket_proto::Opcode::from_bits(first) else {
        return;
    };
    let shift = u32::from(second & 0x3f);
    let header = FrameHeader {
        fin: first & 0x80 != 0,
        rsv: first & 0x70,
        opcode,
        mask: key.first_chunk().copied().filter(|_| second & 0x80 != 0),
        payload_len: u64::from_be_bytes(*rest) >> shift,
    };
    let is_legal = header.payload_len < 1 << 63
        && !(first & 8 != 0 && (header.payload_len > 125 || !header.fin));
    match header.encode() {
        Ok(bytes) => {
            assert!(is_legal, "{header:?}");
            assert_eq!(FrameHeader::parse(&bytes), Ok(Some((header, bytes.len()))));
        }
        Err(error) => assert!(!is_legal, "{error:?} {header:?}"),
    }
}

/// Says what is wrong with a header, straight from the text of §5.2 and §5.5.
fn plain_fault(data: &[u8]) -> Option<&'static str> {
    let (first, second) = (*data.first()?, *data.get(1)?);
    let (opcode, short) = (first % 16, second % 128);
    if (3..8).contains(&opcode) || opcode > 10 {
        return Some("reserved opcode");
    }
    if opcode >= 8 && (first < 128 || short > 125) {
        return Some("control frame that is long or fragmented");
    }
    let length = match short {
        126 => data.get(2..4)?,
        127 => data.get(2..10)?,
        _ => return None,
    };
    let leading =
        if short == 126 { length[0] == 0 && length[1] < 126 } else { length[..6] == [0; 6] };
    if leading {
        return Some("length that is not minimal");
    }
    (short == 127 && length[0] >= 128).then_some("length of 64 bits")
}
