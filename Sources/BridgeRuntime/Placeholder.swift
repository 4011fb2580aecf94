import BridgeCore
import CSystemd
import GRDB
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import UnixSignals
