//! Decodes what applications put into messages: JSON, MessagePack, MQTT and others.
