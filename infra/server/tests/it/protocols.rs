//! Which protocols a client may agree on with the server before it says a word.

use crate::house::House;

#[tokio::test]
async fn whoever_speaks_http2_only_is_refused_at_the_handshake_and_the_server_serves_on() {
    let house = House::open("protocols", &[]);
    for _ in 0..3 {
        let refused = house.door.connect_offering(&["h2"]).await.unwrap_err();
        // RFC 7301, section 3.2: no protocol in common is the fatal alert `no_application_protocol`.
        assert!(format!("{refused:?}").contains("NoApplicationProtocol"), "{refused:?}");
    }
    for offered in [&["h2", "http/1.1"][..], &["http/1.1"]] {
        let stream = house.door.connect_offering(offered).await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]), "{offered:?}");
    }
    house.door.connect_offering(&[]).await.unwrap();
    house.host("still-served").await;
}
