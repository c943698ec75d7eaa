#pragma once

#include "testing/simulated_answer.hpp"

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <cstddef>
#include <optional>

namespace regolo::inline v0::testing {

/// How many alternatives of each token a request wants; nothing where it wants no log-probabilities.
[[nodiscard]] std::optional<std::size_t> wanted_logprobs(const boost::json::object& request,
                                                         bool is_chat);

/** The log-probabilities of the tokens from `first` up to `last`, as a choice or a part of it has them; null where none
    are wanted. */
[[nodiscard]] boost::json::value logprobs_of(const simulated_answer& answer, const token_text& text,
                                             std::size_t first, std::size_t last);

}  // namespace regolo::inline v0::testing
