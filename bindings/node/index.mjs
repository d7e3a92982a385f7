// SPDX-License-Identifier: Apache-2.0
// The same module for `import`: there is one of it in a program, however it is loaded.
import nrbac from './index.js';

export const {
    open,
    Engine,
    Session,
    Client,
    ClientSession,
    Decision,
    NrbacError,
    DaemonUnavailableError,
    TimeoutError,
    ProtocolError,
    QueueFullError,
    RefusedError,
    PolicyError,
    EngineError,
    NotOpenedError,
    ForeignNameError,
    ClosedError,
    effects,
    reasons,
    statuses,
    faults,
    warnings,
} = nrbac;
export default nrbac;
