#pragma once

#include <regolo/error.hpp>

#include <string>

namespace regolo::core {

/// What an error of the API means, by its status and the server's words.
errc code_of(const error_info& info);

/// What happened and what to do about it, in our words.
std::string advice(errc code, const error_info& info);

}  // namespace regolo::core
