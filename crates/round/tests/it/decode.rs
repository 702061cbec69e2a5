//! Payloads to text, as the collector decodes them.

use gen404_round::{InvalidHex, decode_payload, decode_payload_text};

#[test]
fn all_payloads_decode_as_the_collector_decodes_them() {
    let cases = super::cases(include_str!("../data/decode.json"));
    assert_eq!(cases.len(), 99);
    for case in cases {
        let expected = case["expected"].as_str();
        let (bytes, text) = (case["hex"].as_str(), case["text"].as_str());
        assert_eq!(expected.is_none(), case["raises"] == true);
        if let Some(text) = text {
            assert_eq!(decode_payload_text(text).as_deref(), expected.ok_or(&InvalidHex), "{case}");
        } else {
            let bytes = bytes.unwrap();
            assert_eq!(Some(decode_payload(&hex::decode(bytes).unwrap()).as_str()), expected, "{case}");
            assert_eq!(decode_payload_text(&format!("0x{bytes}")).as_deref().ok(), expected, "{case}");
        }
    }
}
