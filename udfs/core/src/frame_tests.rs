use super::*;

fn framed(key: &str, source: &str, payload: Option<&[u8]>, arrival_ms: i64, partition: i32, offset: i64) -> Vec<u8> {
    let mut bytes = Vec::new();
    for text in [key, source] {
        bytes.extend_from_slice(&(text.len() as u16).to_be_bytes());
        bytes.extend_from_slice(text.as_bytes());
    }
    bytes.extend_from_slice(&payload.map_or(-1, |payload| payload.len() as i32).to_be_bytes());
    bytes.extend_from_slice(payload.unwrap_or_default());
    bytes.extend_from_slice(&arrival_ms.to_be_bytes());
    bytes.extend_from_slice(&partition.to_be_bytes());
    bytes.extend_from_slice(&offset.to_be_bytes());
    bytes.push(u8::from(partition == 3));
    bytes
}

#[test]
fn records_are_read_with_what_they_have() {
    let mut frame = framed("u1", "events", Some(b"{}"), 7, 3, 99);
    frame.extend(framed("ü", "", None, NO_ARRIVAL, -1, 0));
    let (records, origins) = records(&frame, Some(5)).expect("a frame");
    let known: Vec<_> = records.iter().map(|record| (record.key, record.payload, record.arrived_at_ms)).collect();
    assert_eq!(known, [(Some("u1"), Some(&b"{}"[..]), Some(7)), (Some("ü"), None, Some(5))]);
    assert_eq!(
        origins[0],
        FramedOrigin { source: Some("events"), partition_and_offset: Some((3, 99)), wants_reply: true }
    );
    assert_eq!(origins[1], FramedOrigin { source: None, partition_and_offset: None, wants_reply: false });
}

#[test]
fn a_frame_that_ends_early_is_refused_wherever_it_ends() {
    let frame = framed("user", "events", Some(b"payload"), 7, 3, 99);
    assert!((1..frame.len()).all(|length| records(&frame[..length], None).is_err()));
    assert_eq!(records(&[], None).map(|(records, _)| records.len()), Ok(0));
}

#[test]
fn an_answer_holds_entries_and_outputs_of_each_record() {
    let output = Output { destination: Destination::Alerts, value: b"xyz".to_vec(), action: None };
    let bytes = answer(&[vec![b"ab"], vec![]], &[vec![], vec![output]]);
    assert_eq!(bytes, [1, 0, 0, 0, 2, b'a', b'b', 0, 0, 1, 1, 0, 0, 0, 3, b'x', b'y', b'z']);
}

#[test]
fn a_replaced_log_takes_in_the_entries_of_the_same_user_before_it() {
    let incoming = |key| Incoming { key: Some(key), payload: None, arrived_at_ms: None };
    let records = [incoming("a"), incoming("b"), incoming("a"), incoming("a")];
    let append = |text: &str| Write::Append(text.as_bytes().to_vec());
    let writes = [
        (0, append("a0")),
        (1, append("b1")),
        (2, append("a2")),
        (2, Write::Replace(vec![])),
        (2, Write::Snapshot(vec![1])),
        (3, append("a3")),
        (3, append("a3, too")),
    ];
    let (entries, others) = entries_and_others(&writes, &records);
    let empty: Vec<&[u8]> = vec![];
    assert_eq!(entries, [empty.clone(), vec![&b"b1"[..]], empty, vec![&b"a3"[..], &b"a3, too"[..]]]);
    assert_eq!(others, [(2, &writes[3].1), (2, &writes[4].1)]);
}

#[test]
fn a_cleared_log_loses_the_entries_of_the_same_user_before_it() {
    let incoming = |key| Incoming { key: Some(key), payload: None, arrived_at_ms: None };
    let records = [incoming("a"), incoming("b"), incoming("a"), incoming("a")];
    let append = |text: &str| Write::Append(text.as_bytes().to_vec());
    let writes =
        [(0, append("a0")), (0, Write::Snapshot(vec![1])), (1, append("b1")), (2, Write::Clear), (3, append("a3"))];
    let (entries, others) = entries_and_others(&writes, &records);
    assert_eq!(entries, [vec![], vec![&b"b1"[..]], vec![], vec![&b"a3"[..]]]);
    assert_eq!(others, [(0, &writes[1].1), (2, &Write::Clear)]);
}
