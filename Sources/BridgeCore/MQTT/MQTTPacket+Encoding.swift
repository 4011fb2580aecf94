extension MQTTPacket {
    /// The packet's bytes.
    ///
    /// The values have to be ones that the standard allows: strings of at most 65,535 bytes, valid topics, an
    /// identifier exactly when there is one to be; anything else is a mistake of the caller.
    public func encoded() -> [UInt8] {
        var writer = Writer()
        var flags = Kind(self).flags ?? 0
        switch self {
        case .connect(let connect): writer.write(connect)
        case .connectAcknowledgement(let sessionPresent, let code):
            writer.bytes += [sessionPresent ? 1 : 0, code.rawValue]
        case .publish(let publish):
            flags = (publish.duplicate ? 8 : 0) | publish.qos.rawValue << 1 | (publish.retain ? 1 : 0)
            writer.write(publish)
        case .publishAcknowledgement(let identifier), .publishReceived(let identifier),
            .publishRelease(let identifier), .publishComplete(let identifier),
            .unsubscribeAcknowledgement(let identifier):
            writer.write(identifier)
        case .subscribe(let identifier, let subscriptions):
            writer.write(identifier)
            for subscription in subscriptions {
                writer.write(subscription.filter)
                writer.bytes.append(subscription.qos.rawValue)
            }
        case .subscribeAcknowledgement(let identifier, let codes):
            writer.write(identifier)
            for case let code in codes {
                if case .granted(let qos) = code { writer.bytes.append(qos.rawValue) } else { writer.bytes.append(0x80) }
            }
        case .unsubscribe(let identifier, let filters):
            writer.write(identifier)
            for filter in filters { writer.write(filter) }
        case .pingRequest, .pingResponse, .disconnect: break
        }
        return [Kind(self).rawValue << 4 | flags] + RemainingLength.encoded(writer.bytes.count) + writer.bytes
    }

    /// Builds the part behind the fixed header.
    private struct Writer {
        var bytes: [UInt8] = []

        mutating func write(_ number: UInt16) {
            bytes += [UInt8(number >> 8), UInt8(number & 0xFF)]
        }

        mutating func write(_ text: String) { write(field: Array(text.utf8)) }

        mutating func write(field: [UInt8]) {
            precondition(field.count <= MQTTText.longest, "A field of MQTT has at most 65,535 bytes.")
            write(UInt16(field.count))
            bytes += field
        }

        mutating func write(_ connect: Connect) {
            write("MQTT")
            bytes.append(4)
            var flags: UInt8 = connect.cleanSession ? 0x02 : 0
            if let will = connect.will {
                flags |= 0x04 | will.qos.rawValue << 3 | (will.retain ? 0x20 : 0)
            }
            if connect.userName != nil { flags |= 0x80 }
            if connect.password != nil { flags |= 0x40 }
            bytes.append(flags)
            write(connect.keepAlive)
            write(connect.clientIdentifier)
            if let will = connect.will {
                write(will.topic)
                write(field: will.payload)
            }
            if let userName = connect.userName { write(userName) }
            if let password = connect.password { write(field: password) }
        }

        mutating func write(_ publish: Publish) {
            precondition(
                (publish.identifier != nil) == (publish.qos > .atMostOnce),
                "A PUBLISH has a packet identifier exactly when its quality of service is above 0.")
            bytes.reserveCapacity(publish.payload.count + publish.topic.utf8.count + 4)
            write(publish.topic)
            if let identifier = publish.identifier { write(identifier) }
            bytes += publish.payload
        }
    }
}
