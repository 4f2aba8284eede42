//! Content-Formats: the numbers that stand for a media type and a content coding (RFC 7252 5.5.1 and 12.3).
//!
//! Every number is a [`ContentFormat`], registered or not, and survives a round trip. Only a program that asks for the
//! names links them.

use core::fmt;

/// The number of a Content-Format, 0 to 65535: the value of the options Content-Format and Accept (RFC 7252 5.10.3).
///
/// `Display` writes the media type, without `charset=utf-8`, and the content coding if there is one; a number that is
/// not registered is written in decimal.
///
/// ```
/// use coaplet::wire::ContentFormat;
///
/// assert_eq!(ContentFormat::CBOR.get(), 60);
/// assert_eq!(ContentFormat::TEXT_PLAIN.media_type(), Some("text/plain; charset=utf-8"));
/// assert_eq!(ContentFormat::TEXT_PLAIN.to_string(), "text/plain");
/// assert_eq!(ContentFormat::JSON_DEFLATE.to_string(), "application/json (deflate)");
/// assert_eq!(ContentFormat::new(9999).to_string(), "9999");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ContentFormat(u16);

/// The registry. A row is: number, constant, media type, content coding if any; reference.
macro_rules! content_formats {
    ($($number:literal $constant:ident $media_type:literal $($coding:literal)?, $reference:literal;)*) => {
        impl ContentFormat {
            $(
                #[doc = concat!("`", $number, "` `", $media_type, "`" $(, ", coding ", $coding)?, " (", $reference, ").")]
                pub const $constant: ContentFormat = ContentFormat($number);
            )*

            /// The content coding, such as `deflate`; `None` where there is none, or the number is not registered.
            ///
            /// ```
            /// use coaplet::wire::ContentFormat;
            ///
            /// assert_eq!(ContentFormat::JSON_DEFLATE.content_coding(), Some("deflate"));
            /// assert_eq!(ContentFormat::JSON.content_coding(), None);
            /// ```
            pub const fn content_coding(self) -> Option<&'static str> {
                match self {
                    $($(ContentFormat::$constant => Some($coding),)?)*
                    _ => None,
                }
            }
        }

        /// Media types by ascending number.
        static MEDIA_TYPES: &[(ContentFormat, &str)] = &[$((ContentFormat::$constant, $media_type)),*];
    };
}

content_formats! {
    0 TEXT_PLAIN "text/plain; charset=utf-8", "RFC 2046, RFC 3676, RFC 5147";
    16 COSE_ENCRYPT0 r#"application/cose; cose-type="cose-encrypt0""#, "RFC 9052";
    17 COSE_MAC0 r#"application/cose; cose-type="cose-mac0""#, "RFC 9052";
    18 COSE_SIGN1 r#"application/cose; cose-type="cose-sign1""#, "RFC 9052";
    19 ACE_CBOR "application/ace+cbor", "RFC 9200";
    21 IMAGE_GIF "image/gif", "W3C GIF89a";
    22 IMAGE_JPEG "image/jpeg", "ISO/IEC 10918-5";
    23 IMAGE_PNG "image/png", "W3C PNG";
    40 LINK_FORMAT "application/link-format", "RFC 6690";
    41 XML "application/xml", "RFC 3023";
    42 OCTET_STREAM "application/octet-stream", "RFC 2045, RFC 2046";
    47 EXI "application/exi", "W3C EXI 1.0 Second Edition";
    50 JSON "application/json", "RFC 8259";
    51 JSON_PATCH_JSON "application/json-patch+json", "RFC 6902";
    52 MERGE_PATCH_JSON "application/merge-patch+json", "RFC 7396";
    60 CBOR "application/cbor", "RFC 8949";
    61 CWT "application/cwt", "RFC 8392";
    62 MULTIPART_CORE "application/multipart-core", "RFC 8710";
    63 CBOR_SEQ "application/cbor-seq", "RFC 8742";
    64 EDHOC_CBOR_SEQ "application/edhoc+cbor-seq", "RFC 9528";
    65 CID_EDHOC_CBOR_SEQ "application/cid-edhoc+cbor-seq", "RFC 9528";
    96 COSE_ENCRYPT r#"application/cose; cose-type="cose-encrypt""#, "RFC 9052";
    97 COSE_MAC r#"application/cose; cose-type="cose-mac""#, "RFC 9052";
    98 COSE_SIGN r#"application/cose; cose-type="cose-sign""#, "RFC 9052";
    101 COSE_KEY "application/cose-key", "RFC 9052";
    102 COSE_KEY_SET "application/cose-key-set", "RFC 9052";
    110 SENML_JSON "application/senml+json", "RFC 8428";
    111 SENSML_JSON "application/sensml+json", "RFC 8428";
    112 SENML_CBOR "application/senml+cbor", "RFC 8428";
    113 SENSML_CBOR "application/sensml+cbor", "RFC 8428";
    114 SENML_EXI "application/senml-exi", "RFC 8428";
    115 SENSML_EXI "application/sensml-exi", "RFC 8428";
    140 YANG_DATA_CBOR_SID "application/yang-data+cbor; id=sid", "RFC 9254";
    256 COAP_GROUP_JSON "application/coap-group+json", "RFC 7390";
    257 CONCISE_PROBLEM_DETAILS_CBOR "application/concise-problem-details+cbor", "RFC 9290";
    258 SWID_CBOR "application/swid+cbor", "RFC 9393";
    259 PKIXCMP "application/pkixcmp", "RFC 9482, RFC 9811";
    260 YANG_SID_JSON "application/yang-sid+json", "RFC 9595";
    261 ACE_GROUPCOMM_CBOR "application/ace-groupcomm+cbor", "RFC 9594";
    262 ACE_TRL_CBOR "application/ace-trl+cbor", "RFC 9770";
    263 EAT_CWT "application/eat+cwt", "RFC 9782";
    264 EAT_JWT "application/eat+jwt", "RFC 9782";
    265 EAT_BUN_CBOR "application/eat-bun+cbor", "RFC 9782";
    266 EAT_BUN_JSON "application/eat-bun+json", "RFC 9782";
    267 EAT_UCS_CBOR "application/eat-ucs+cbor", "RFC 9782";
    268 EAT_UCS_JSON "application/eat-ucs+json", "RFC 9782";
    269 COAP_EAP "application/coap-eap", "RFC 9820";
    270 SUIT_REPORT_COSE "application/suit-report+cose", "RFC-ietf-suit-report-19, not yet an RFC";
    271 DOTS_CBOR "application/dots+cbor", "RFC 9132";
    272 MISSING_BLOCKS_CBOR_SEQ "application/missing-blocks+cbor-seq", "RFC 9177";
    273 CMW_CBOR "application/cmw+cbor", "RFC-ietf-rats-msg-wrap-22, not yet an RFC";
    274 CMW_JSON "application/cmw+json", "RFC-ietf-rats-msg-wrap-22, not yet an RFC";
    275 CMW_COSE "application/cmw+cose", "RFC-ietf-rats-msg-wrap-22, not yet an RFC";
    276 CMW_JWS "application/cmw+jws", "RFC-ietf-rats-msg-wrap-22, not yet an RFC";
    277 SCITT_STATEMENT_COSE "application/scitt-statement+cose", "RFC 9943";
    278 SCITT_RECEIPT_COSE "application/scitt-receipt+cose", "RFC 9943";
    279 STATUSLIST_CWT "application/statuslist+cwt", "RFC-ietf-oauth-status-list-21, not yet an RFC";
    280 PKCS7_MIME_SERVER_GENERATED_KEY "application/pkcs7-mime; smime-type=server-generated-key", "RFC 7030, RFC 8551, RFC 9148";
    281 PKCS7_MIME_CERTS_ONLY "application/pkcs7-mime; smime-type=certs-only", "RFC 8551, RFC 9148";
    284 PKCS8 "application/pkcs8", "RFC 5958, RFC 8551, RFC 9148";
    285 CSRATTRS "application/csrattrs", "RFC 7030, RFC 9148";
    286 PKCS10 "application/pkcs10", "RFC 5967, RFC 8551, RFC 9148";
    287 PKIX_CERT "application/pkix-cert", "RFC 2585, RFC 9148";
    290 AIF_CBOR "application/aif+cbor", "RFC 9237";
    291 AIF_JSON "application/aif+json", "RFC 9237";
    292 AIF_CBOR_CRI_LOCAL_PART "application/aif+cbor;toid=CRI-local-part", "RFC-ietf-core-href-29, not yet an RFC";
    293 SD_CWT "application/sd-cwt", "draft-ietf-spice-sd-cwt-06, temporary until 2026-12-08";
    294 KB_CWT "application/kb+cwt", "draft-ietf-spice-sd-cwt-06, temporary until 2026-12-08";
    295 MEASURED_COMPONENT_CBOR "application/measured-component+cbor", "RFC-ietf-rats-eat-measured-component-12, not yet an RFC";
    296 MEASURED_COMPONENT_JSON "application/measured-component+json", "RFC-ietf-rats-eat-measured-component-12, not yet an RFC";
    297 AIF_CBOR_OSCORE_GROUP "application/aif+cbor;toid=oscore-gname;tperm=oscore-gperm", "RFC-ietf-ace-key-groupcomm-oscore-21, not yet an RFC";
    298 AIF_JSON_OSCORE_GROUP "application/aif+json;toid=oscore-gname;tperm=oscore-gperm", "RFC-ietf-ace-key-groupcomm-oscore-21, not yet an RFC";
    299 COSE_C509_CERT_CBOR "application/cose-c509-cert+cbor", "a draft, no reference published";
    300 COSE_C509_CBOR "application/cose-c509+cbor", "a draft, no reference published";
    301 COSE_C509_CBOR_CHAIN "application/cose-c509+cbor;usage=chain", "a draft, no reference published";
    302 COSE_C509_PKCS10_CBOR "application/cose-c509-pkcs10+cbor", "a draft, no reference published";
    303 COSE_C509_CRTEMPLATE_CBOR "application/cose-c509-crtemplate+cbor", "a draft, no reference published";
    304 COSE_C509_PRIVKEY_CBOR "application/cose-c509-privkey+cbor", "a draft, no reference published";
    305 COSE_C509_PEM_CBOR "application/cose-c509-pem+cbor", "a draft, no reference published";
    306 COSE_CERTHASH_CBOR "application/cose-certhash+cbor", "a draft, no reference published";
    307 COSE_CERTHASH_CBOR_C509 "application/cose-certhash+cbor;usage=c509", "a draft, no reference published";
    310 SENML_XML "application/senml+xml", "RFC 8428";
    311 SENSML_XML "application/sensml+xml", "RFC 8428";
    320 SENML_ETCH_JSON "application/senml-etch+json", "RFC 8790";
    322 SENML_ETCH_CBOR "application/senml-etch+cbor", "RFC 8790";
    340 YANG_DATA_CBOR "application/yang-data+cbor", "RFC 9254";
    341 YANG_DATA_CBOR_NAME "application/yang-data+cbor; id=name", "RFC 9254";
    432 TD_JSON "application/td+json", "W3C WoT TD 1.1";
    433 TM_JSON "application/tm+json", "W3C WoT TD 1.1";
    434 SDF_JSON "application/sdf+json", "RFC 9880";
    553 DNS_MESSAGE "application/dns-message", "RFC 8484, RFC 9953";
    601 UCCS_CBOR "application/uccs+cbor", "RFC 9781";
    836 VOUCHER_COSE "application/voucher+cose", "draft-ietf-anima-constrained-voucher-23, temporary until 2027-04-12";
    10000 VND_OCF_CBOR "application/vnd.ocf+cbor", "OCF";
    10001 OSCORE "application/oscore", "RFC 8613";
    10002 JAVASCRIPT "application/javascript", "RFC 4329";
    10003 EAT_CWT_PSA_TFM r#"application/eat+cwt; eat_profile="tag:psacertified.org,2023:psa#tfm""#, "RFC 9783";
    10004 EAT_CWT_PSA_LEGACY r#"application/eat+cwt; eat_profile="tag:psacertified.org,2019:psa#legacy""#, "RFC 9783";
    10005 EAT_CWT_PROFILE_113741 "application/eat+cwt; eat_profile=2.16.840.1.113741.1.16.1", "RFC 9782";
    10006 VND_OMS_CELLULAR_COSE_CONTENT_CBOR "application/vnd.oms.cellular-cose-content+cbor", "OMS Group";
    10007 SYSLOG_MSG "application/syslog-msg", "IANA";
    10570 TOC_CBOR "application/toc+cbor", "TCG CE-Binding 6.3.1";
    10571 CE_CBOR "application/ce+cbor", "TCG CE-Binding 6.3.2";
    10572 TOC_CBOR_PROFILE_113741 "application/toc+cbor;profile=2.16.840.1.113741.1.16.1", "TCG DICE";
    10573 CE_CBOR_PROFILE_113741 "application/ce+cbor;profile=2.16.840.1.113741.1.16.1", "TCG DICE";
    11050 JSON_DEFLATE "application/json" "deflate", "RFC 8259";
    11060 CBOR_DEFLATE "application/cbor" "deflate", "RFC 8949";
    11542 VND_OMA_LWM2M_TLV "application/vnd.oma.lwm2m+tlv", "OMA LwM2M 1.0";
    11543 VND_OMA_LWM2M_JSON "application/vnd.oma.lwm2m+json", "OMA LwM2M 1.0";
    11544 VND_OMA_LWM2M_CBOR "application/vnd.oma.lwm2m+cbor", "OMA LwM2M 1.2";
    12000 TEXT_PLAIN_ZSTD "text/plain;charset=utf-8" "zstd", "IANA";
    12041 XML_ZSTD "application/xml" "zstd", "IANA";
    12050 JSON_ZSTD "application/json" "zstd", "IANA";
    20000 TEXT_CSS "text/css", "RFC 2318";
    20001 VND_AS207960_VAS_CONFIG_JER "application/vnd.as207960.vas.config+jer", "IANA";
    20002 VND_AS207960_VAS_CONFIG_UPER "application/vnd.as207960.vas.config+uper", "IANA";
    20003 VND_AS207960_VAS_TAP_JER "application/vnd.as207960.vas.tap+jer", "IANA";
    20004 VND_AS207960_VAS_TAP_UPER "application/vnd.as207960.vas.tap+uper", "IANA";
    30000 IMAGE_SVG_XML "image/svg+xml", "W3C SVG";
}

// The lookup halves the table: it must ascend.
const _: () = {
    let mut rows = MEDIA_TYPES;
    while let [(number, _), rest @ ..] = rows {
        if let [(next, _), ..] = rest {
            assert!(number.0 < next.0, "rows ascend");
        }
        rows = rest;
    }
};

impl ContentFormat {
    /// The Content-Format with this number.
    pub const fn new(number: u16) -> ContentFormat {
        ContentFormat(number)
    }

    /// The number.
    pub const fn get(self) -> u16 {
        self.0
    }

    /// The media type with its parameters, written as in the registry; `None` if the number is not registered.
    ///
    /// ```
    /// use coaplet::wire::ContentFormat;
    ///
    /// assert_eq!(ContentFormat::LINK_FORMAT.media_type(), Some("application/link-format"));
    /// assert_eq!(ContentFormat::new(1542).media_type(), None);
    /// ```
    pub fn media_type(self) -> Option<&'static str> {
        let at = MEDIA_TYPES.binary_search_by_key(&self, |row| row.0).ok()?;
        MEDIA_TYPES.get(at).map(|row| row.1)
    }

    /// The Content-Format that a name stands for; `None` if there is none.
    ///
    /// A name is a media type with its parameters, as the registry writes it. `charset=utf-8` may be left out, and
    /// `application/`. A content coding stands behind it in parentheses, as `Display` writes it. Case does not count,
    /// nor do spaces around parameters. The length of the text decides how long this takes, times the number of
    /// formats.
    ///
    /// ```
    /// use coaplet::wire::ContentFormat;
    ///
    /// assert_eq!(ContentFormat::from_name("text/plain"), Some(ContentFormat::TEXT_PLAIN));
    /// assert_eq!(ContentFormat::from_name("application/cbor"), Some(ContentFormat::CBOR));
    /// assert_eq!(ContentFormat::from_name("link-format"), Some(ContentFormat::LINK_FORMAT));
    /// assert_eq!(ContentFormat::from_name("json (deflate)"), Some(ContentFormat::JSON_DEFLATE));
    /// assert_eq!(ContentFormat::from_name("cose"), None); // cose-type is missing: six formats begin so
    /// ```
    pub fn from_name(name: &str) -> Option<ContentFormat> {
        let name = name.trim();
        let (name, coding) = match name.strip_suffix(')').and_then(|name| name.rsplit_once('(')) {
            Some((name, coding)) => (name, Some(coding)),
            None => (name, None),
        };
        let name = without_charset(name);
        let row = MEDIA_TYPES.iter().find(|(format, media_type)| {
            let media_type = without_charset(media_type);
            let short = media_type.strip_prefix("application/");
            let same_coding = match (coding, format.content_coding()) {
                (Some(wanted), Some(coding)) => same(wanted, coding),
                (wanted, coding) => wanted.is_none() && coding.is_none(),
            };
            same_coding && (same(name, media_type) || short.is_some_and(|short| same(name, short)))
        })?;
        Some(row.0)
    }

    /// Whether this is 1542 or 1543, which early LwM2M used and nobody may use again.
    pub const fn is_reserved(self) -> bool {
        matches!(self.0, 1542 | 1543)
    }

    /// Whether this is 64998 or 64999, for examples in documents (RFC 9876).
    pub const fn is_documentation(self) -> bool {
        matches!(self.0, 64998 | 64999)
    }

    /// Whether this is one of 65000 to 65535, for experiments (RFC 7252 12.3).
    pub const fn is_experimental(self) -> bool {
        self.0 >= 65000
    }
}

/// The media type without `charset=utf-8`, its last parameter.
fn without_charset(media_type: &str) -> &str {
    match media_type.rsplit_once(';') {
        Some((rest, parameter)) if same(parameter, "charset=utf-8") => rest,
        _ => media_type,
    }
}

/// Whether two names are the same but for case and spaces.
fn same(a: &str, b: &str) -> bool {
    a.bytes()
        .filter(|byte| *byte != b' ')
        .map(|byte| byte.to_ascii_lowercase())
        .eq(b.bytes().filter(|byte| *byte != b' ').map(|byte| byte.to_ascii_lowercase()))
}

/// `text/plain`, `application/json (deflate)`, `9999`.
impl fmt::Display for ContentFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.media_type() {
            Some(media_type) => f.write_str(without_charset(media_type))?,
            None => return fmt::Display::fmt(&self.0, f),
        }
        match self.content_coding() {
            Some(coding) => write!(f, " ({coding})"),
            None => Ok(()),
        }
    }
}

/// `ContentFormat(0 text/plain)`.
impl fmt::Debug for ContentFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.media_type() {
            Some(_) => write!(f, "ContentFormat({} {self})", self.0),
            None => write!(f, "ContentFormat({})", self.0),
        }
    }
}

impl From<u16> for ContentFormat {
    fn from(number: u16) -> ContentFormat {
        ContentFormat(number)
    }
}

impl From<ContentFormat> for u16 {
    fn from(format: ContentFormat) -> u16 {
        format.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::format;
    use std::string::ToString;

    #[test]
    fn every_number_comes_back_from_its_name() {
        let mut registered = 0;
        for format in (0..=u16::MAX).map(ContentFormat::from) {
            let Some(media_type) = format.media_type() else {
                assert_eq!((format.to_string(), format.content_coding()), (format.get().to_string(), None));
                continue;
            };
            registered += 1;
            let name = format.to_string();
            assert_eq!(ContentFormat::from_name(&name), Some(format), "{name}");
            assert_eq!(ContentFormat::from_name(&name.to_uppercase()), Some(format), "{name}");
            if let Some(short) = name.strip_prefix("application/") {
                assert_eq!(ContentFormat::from_name(short), Some(format), "{name}");
            }
            if format.content_coding().is_none() {
                assert_eq!(ContentFormat::from_name(media_type), Some(format), "{name}");
                assert_eq!(ContentFormat::from_name(&media_type.replace(';', " ; ")), Some(format), "{name}");
            }
        }
        assert_eq!(registered, MEDIA_TYPES.len());
    }

    #[test]
    fn names() {
        for (name, format) in [
            ("text/plain;charset=utf-8", ContentFormat::TEXT_PLAIN),
            ("text/plain; charset=utf-8 (zstd)", ContentFormat::TEXT_PLAIN_ZSTD),
            ("cbor", ContentFormat::CBOR),
            ("cbor (deflate)", ContentFormat::CBOR_DEFLATE),
            ("application/cose; cose-type=\"cose-sign1\"", ContentFormat::COSE_SIGN1),
            ("aif+cbor;toid=CRI-local-part", ContentFormat::AIF_CBOR_CRI_LOCAL_PART),
            ("image/png", ContentFormat::IMAGE_PNG),
        ] {
            assert_eq!(ContentFormat::from_name(name), Some(format), "{name}");
        }
        for name in [
            "",
            "png",
            "plain",
            "text/",
            "application/",
            "json (br)",
            "json ()",
            "xml (deflate)",
            "text/plain; charset=latin1",
            "60",
            "()",
            ")",
        ] {
            assert_eq!(ContentFormat::from_name(name), None, "{name}");
        }
    }

    #[test]
    fn ranges_without_a_name() {
        let ranges =
            |format: ContentFormat| [format.is_reserved(), format.is_documentation(), format.is_experimental()];
        for (number, expected) in [
            (1541, [false; 3]),
            (1542, [true, false, false]),
            (1543, [true, false, false]),
            (1544, [false; 3]),
            (64997, [false; 3]),
            (64998, [false, true, false]),
            (64999, [false, true, false]),
            (65000, [false, false, true]),
            (65535, [false, false, true]),
        ] {
            assert_eq!(ranges(ContentFormat::new(number)), expected, "{number}");
            assert_eq!(ContentFormat::new(number).media_type(), None);
        }
    }

    #[test]
    fn printing() {
        assert_eq!(ContentFormat::TEXT_PLAIN_ZSTD.to_string(), "text/plain (zstd)");
        assert_eq!(ContentFormat::YANG_DATA_CBOR_SID.to_string(), "application/yang-data+cbor; id=sid");
        assert_eq!(format!("{:?}", ContentFormat::JSON), "ContentFormat(50 application/json)");
        assert_eq!(format!("{:?}", ContentFormat::new(1)), "ContentFormat(1)");
    }
}
