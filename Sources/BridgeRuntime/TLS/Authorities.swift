import BridgeCore
import Foundation
import SwiftASN1
import X509

/// The certificate authorities that are trusted: those of `mqtt.ca_file`, or those of the system.
///
/// Read anew for each handshake, so that an update of the system's takes effect at once and nothing is held in memory for
/// the long time between two handshakes.
public enum Authorities {
    /// Debian's package ca-certificates, and Fedora's.
    static let systemFiles = ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"]
    /// Debian's file has 0.25 MB.
    private static let longestFile = 4 << 20

    /// Why they cannot be used.
    public struct Unusable: Error, CustomStringConvertible {
        public let description: String
    }

    /// What is wrong with a file that the configuration names, or with the system's when it names none; nil when nothing is.
    public static func problem(in file: String) -> String? {
        do throws(Unusable) {
            _ = try load(file)
            return nil
        } catch {
            return error.description
        }
    }

    /// - Parameter file: empty for the system's.
    static func load(_ file: String) throws(Unusable) -> [Certificate] {
        guard file.isEmpty else { return try load(named: file) }
        guard let path = systemFiles.first(where: { FileManager.default.fileExists(atPath: $0) }) else {
            throw Unusable(description: "the system has none in \(systemFiles.joined(separator: " or "))")
        }
        // One that is of no use is not our business: the others are.
        let found = try certificates(in: path).compactMap { try? Certificate(pemDocument: $0) }
        guard !found.isEmpty else { throw Unusable(description: "\(path) holds none") }
        return found
    }

    private static func load(named file: String) throws(Unusable) -> [Certificate] {
        var found: [Certificate] = []
        for (index, document) in try certificates(in: file).enumerated() {
            do { found.append(try Certificate(pemDocument: document)) } catch {
                throw Unusable(description: "\(file): certificate \(index + 1) cannot be read")
            }
        }
        guard !found.isEmpty else {
            throw Unusable(description: "\(file) holds no certificate (-----BEGIN CERTIFICATE-----)")
        }
        return found
    }

    private static func certificates(in file: String) throws(Unusable) -> [PEMDocument] {
        guard let handle = FileHandle(forReadingAtPath: file) else {
            throw Unusable(description: "\(file) cannot be opened: \(String(cString: strerror(errno)))")
        }
        defer { try? handle.close() }
        do {
            let bytes = try handle.read(upToCount: longestFile + 1) ?? Data()
            guard bytes.count <= longestFile else { throw Unusable(description: "\(file) is longer than 4 MiB") }
            let documents = try PEMDocument.parseMultiple(pemString: String(decoding: bytes, as: UTF8.self))
            return documents.filter { $0.discriminator == Certificate.defaultPEMDiscriminator }
        } catch let error as Unusable {
            throw error
        } catch {
            throw Unusable(description: "\(file) cannot be read as PEM")
        }
    }
}
