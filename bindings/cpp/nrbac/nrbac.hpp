// SPDX-License-Identifier: Apache-2.0
/// @file
/// nrbac for C++17: may this user do that? Decisions on National RBAC.
///
///     auto engine = nrbac::engine::open("file:national.nrb");
///     auto view = engine->prepare("B0820");
///     auto session = engine->session(request);
///     if (session && session->check(view))
///         show_the_record();
///
/// nrbac::engine decides in this process, nrbac::client asks a daemon the same
/// questions over its socket. Nothing here throws; what may fail gives a
/// nrbac::result, and neither an error nor a default value is ever a permit.
///
/// Header-only over the C libraries: `find_package(nrbac)` and nrbac::cpp, or
/// `pkg-config --cflags --libs nrbac-policy nrbac-client`.
#ifndef NRBAC_NRBAC_HPP
#define NRBAC_NRBAC_HPP

#include <nrbac/client.hpp>
#include <nrbac/engine.hpp>
#include <nrbac/watch.hpp>

#endif
