#pragma once

// For tests of programs that use the client: CMake target regolo::testing.

#include <regolo/testing/certificate.hpp>
#include <regolo/testing/gate.hpp>
#include <regolo/testing/make_stream.hpp>
#include <regolo/testing/manual_clock.hpp>
#include <regolo/testing/received_request.hpp>
#include <regolo/testing/run.hpp>
#include <regolo/testing/script.hpp>
#include <regolo/testing/simulation.hpp>
#include <regolo/testing/test_server.hpp>
