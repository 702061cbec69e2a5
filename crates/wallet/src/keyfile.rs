//! What the JSON of a keyfile says: which key it holds and for whom.
//! Bytes in, key out; knows neither disks nor passwords.

use gen404_outside::text::bytes_without_mark;
use gen404_round::{AccountId, Hotkey, InvalidAddress};
use serde::Deserialize;
use serde_json::Value;

use crate::secret::{SecretText, decode_hex, is_quoted};
use crate::signer::HotkeySigner;

/// Why the content of a keyfile is unusable. Never holds anything of the content but addresses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyfileFault {
    /// Neither JSON nor one of the encryptions.
    #[error("it is neither JSON of a key nor encrypted in a known way (line {line}, column {column})")]
    NotJson {
        /// Line of the first surprise, from 1.
        line: usize,
        /// Its column, from 1.
        column: usize,
    },
    /// No secret and no address.
    #[error("it holds no key")]
    NoKey,
    /// An address without its secret.
    #[error("it holds only the address {address}, so nothing can be signed with it")]
    AddressOnly {
        /// The address.
        address: Hotkey,
    },
    /// A field that is not the hex it should be.
    #[error("its `{field}` is not {bytes} bytes of hex that make a key")]
    Hex {
        /// Name of the field.
        field: &'static str,
        /// The bytes it should have.
        bytes: usize,
    },
    /// A secret that stands in quotes of its own.
    #[error("its `{field}` has quotes inside the quotes")]
    Quoted {
        /// Name of the field.
        field: &'static str,
    },
    /// The address field is none.
    #[error("its `ss58Address` is wrong")]
    Address(#[source] InvalidAddress),
    /// The phrase is not one of BIP-39. The source names at most the position of a word.
    #[error("its `secretPhrase` is wrong")]
    Phrase(#[source] bip39::Error),
    /// A key of the other kind, which no hotkey of the subnet has.
    #[error("it holds an ed25519 key, but commitments are signed with sr25519 hotkeys")]
    Ed25519,
    /// A kind of key that does not exist.
    #[error("its `cryptoType` is unknown (1 is sr25519, 0 is ed25519)")]
    UnknownCryptoType,
    /// The secret belongs to another account than the file says.
    #[error("it contradicts itself: its `{field}` is that of {stated}, but its secret is that of {actual}")]
    Contradiction {
        /// The field that disagrees.
        field: &'static str,
        /// The account it names.
        stated: Hotkey,
        /// The account of the secret.
        actual: Hotkey,
    },
}

impl KeyfileFault {
    /// What the user can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::AddressOnly { .. } => {
                Some("copy the keyfile with the secret from the machine that has it, or regenerate it from its phrase")
            }
            Self::Contradiction { .. } => Some(
                "signing would use another account than the one shown: regenerate the hotkey from the right phrase",
            ),
            Self::Ed25519 => Some("create an sr25519 hotkey (the default) and register it"),
            Self::Quoted { .. } => Some("take the inner quotes away"),
            Self::NotJson { .. }
            | Self::NoKey
            | Self::Hex { .. }
            | Self::Address(_)
            | Self::Phrase(_)
            | Self::UnknownCryptoType => {
                Some("regenerate the hotkey from its phrase, or restore the file from a backup")
            }
        }
    }
}

/// A keyfile's JSON, or that of its public companion (`…pub.txt`): every field may be missing or null, others may follow.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Keyfile {
    secret_phrase: Option<SecretText>,
    secret_seed: Option<SecretText>,
    private_key: Option<SecretText>,
    ss58_address: Option<String>,
    public_key: Option<String>,
    account_id: Option<String>,
    crypto_type: Option<Value>,
}

impl Keyfile {
    /// Reads the JSON.
    ///
    /// What serde says about a wrong field may quote the field, so only the place of the error is kept.
    pub(crate) fn parse(json: &[u8]) -> Result<Self, KeyfileFault> {
        serde_json::from_slice(bytes_without_mark(json))
            .map_err(|error| KeyfileFault::NotJson { line: error.line(), column: error.column() })
    }

    /// The account the file says it is of, by the first of the fields that say so.
    pub(crate) fn stated_account(&self) -> Result<Option<Hotkey>, KeyfileFault> {
        Ok(self.statements()?.first().map(|(_, account)| *account))
    }

    /// The key to sign with. Of several secrets the phrase counts first, then the seed, then the private key.
    pub(crate) fn signer(&self) -> Result<HotkeySigner, KeyfileFault> {
        self.require_sr25519()?;
        let statements = self.statements()?;
        let Some(signer) = self.first_secret()? else {
            return Err(match statements.first() {
                Some((_, address)) => KeyfileFault::AddressOnly { address: *address },
                None => KeyfileFault::NoKey,
            });
        };
        let actual = signer.account();
        match statements.into_iter().find(|(_, stated)| *stated != actual) {
            None => Ok(signer),
            Some((field, stated)) => Err(KeyfileFault::Contradiction { field, stated, actual }),
        }
    }

    fn first_secret(&self) -> Result<Option<HotkeySigner>, KeyfileFault> {
        let secrets = [
            ("secretPhrase", &self.secret_phrase),
            ("secretSeed", &self.secret_seed),
            ("privateKey", &self.private_key),
        ];
        // Only the first that is there counts.
        let first = secrets.into_iter().find_map(|(field, secret)| Some((field, content_of(secret.as_ref())?)));
        if let Some((field, _)) = first.filter(|(_, secret)| is_quoted(secret)) {
            return Err(KeyfileFault::Quoted { field });
        }
        if let Some(phrase) = content_of(self.secret_phrase.as_ref()) {
            return HotkeySigner::from_phrase(phrase).map(Some).map_err(KeyfileFault::Phrase);
        }
        if let Some(seed) = content_of(self.secret_seed.as_ref()) {
            let bytes = decode_hex(seed).ok_or(KeyfileFault::Hex { field: "secretSeed", bytes: 32 })?;
            return Ok(Some(HotkeySigner::from_seed(&bytes)));
        }
        if let Some(private_key) = content_of(self.private_key.as_ref()) {
            let signer = decode_hex(private_key).and_then(|bytes| HotkeySigner::from_private_key(&bytes));
            return signer.map(Some).ok_or(KeyfileFault::Hex { field: "privateKey", bytes: 64 });
        }
        Ok(None)
    }

    /// Files of old libraries do not say the kind; it was always sr25519.
    fn require_sr25519(&self) -> Result<(), KeyfileFault> {
        let number = match &self.crypto_type {
            None => Some(1),
            Some(Value::String(text)) => text.trim().parse().ok(),
            Some(value) => value.as_i64(),
        };
        match number {
            Some(1) => Ok(()),
            Some(0) => Err(KeyfileFault::Ed25519),
            _ => Err(KeyfileFault::UnknownCryptoType),
        }
    }

    /// Every field that names an account, with the account.
    fn statements(&self) -> Result<Vec<(&'static str, Hotkey)>, KeyfileFault> {
        let mut statements = Vec::new();
        if let Some(address) = filled(self.ss58_address.as_ref()) {
            statements.push(("ss58Address", address.parse().map_err(KeyfileFault::Address)?));
        }
        for (field, text) in [("publicKey", &self.public_key), ("accountId", &self.account_id)] {
            if let Some(text) = filled(text.as_ref()) {
                let bytes = decode_hex(text).ok_or(KeyfileFault::Hex { field, bytes: 32 })?;
                statements.push((field, AccountId(*bytes)));
            }
        }
        Ok(statements)
    }
}

fn content_of(text: Option<&SecretText>) -> Option<&str> {
    text.and_then(SecretText::content)
}

fn filled(text: Option<&String>) -> Option<&str> {
    text.map(|text| text.trim()).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALICE: &str = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY";
    const ALICE_SEED: &str = "0xe5be9a5092b81bca64be81d212e7f2f9eba183bb7a90954f7b76361f6edb5c0a";
    const PHRASE: &str = "bottom drive obey lake curtain smoke basket hold race lonely fit walk";

    fn account(json: &str) -> Result<String, KeyfileFault> {
        let signer = Keyfile::parse(json.as_bytes())?.signer()?;
        Ok(signer.account().to_string())
    }

    #[test]
    fn blank_secrets_count_as_absent() {
        let json = format!(r#"{{"secretPhrase":"","secretSeed":" {ALICE_SEED} ","privateKey":null}}"#);
        assert_eq!(account(&json), Ok(ALICE.to_owned()));
    }

    #[test]
    fn white_space_around_a_secret_is_left_out_and_quotes_are_named() {
        for (before, after) in [(" ", "\\r\\n"), ("\\n", "\\t"), ("", "\\r")] {
            let json = format!("\u{feff}{{\"secretSeed\":\"{before}{ALICE_SEED}{after}\"}}\r\n");
            assert_eq!(account(&json), Ok(ALICE.to_owned()), "{json}");
            let json = format!(r#"{{"secretPhrase":"{before}{}{after}"}}"#, PHRASE.replace(' ', "  "));
            assert!(account(&json).is_ok(), "{json}");
        }
        for (field, secret) in [("secretSeed", ALICE_SEED), ("secretPhrase", PHRASE), ("privateKey", ALICE_SEED)] {
            for quote in ["'", "\\\""] {
                let json = format!(r#"{{"{field}":"{quote}{secret}{quote}"}}"#);
                assert_eq!(account(&json), Err(KeyfileFault::Quoted { field }), "{json}");
            }
        }
    }

    #[test]
    fn every_public_field_must_agree_with_the_secret() {
        let wrong = "0x8eaf04151687736326c9fea17e25fc5287613693c912909cb226aa4794f26a48";
        for field in ["publicKey", "accountId"] {
            let json = format!(r#"{{"secretSeed":"{ALICE_SEED}","ss58Address":"{ALICE}","{field}":"{wrong}"}}"#);
            assert!(
                matches!(account(&json), Err(KeyfileFault::Contradiction { field: named, .. }) if named == field),
                "{json}"
            );
        }
    }

    #[test]
    fn faults_never_quote_the_content() {
        let cases = [
            format!(r#"{{"secretSeed": ["{PHRASE}"]}}"#),
            format!(r#"{{"secretPhrase": "{PHRASE} {PHRASE}"}}"#),
            format!(r#"{{"secretPhrase": "{}"}}"#, PHRASE.replace("walk", "walking")),
            format!(r#"{{"secretSeed": "{ALICE_SEED}00"}}"#),
            format!(r#"{{"cryptoType": "{PHRASE}"}}"#),
            PHRASE.to_owned(),
        ];
        for json in cases {
            let fault = account(&json).expect_err("a fault");
            let source = std::error::Error::source(&fault).map(ToString::to_string).unwrap_or_default();
            let said = format!("{fault} {fault:?} {source}");
            assert!(!said.contains("drive") && !said.contains("e5be") && !said.contains("walking"), "{said}");
        }
    }

    #[test]
    fn a_field_given_twice_is_refused() {
        let json = format!(r#"{{"secretSeed":"{ALICE_SEED}","secretSeed":"{ALICE_SEED}"}}"#);
        assert!(matches!(account(&json), Err(KeyfileFault::NotJson { .. })));
    }
}
