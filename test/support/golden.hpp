#pragma once

#include "core/json_text.hpp"

#include <regolo/options.hpp>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <string_view>

namespace regolo::test {

/// A body from `data/answers`, such as "embedding_response".
inline std::string golden(const std::string& name)
{
    std::ifstream file(std::string(REGOLO_TEST_DATA) + "/answers/" + name + ".json",
                       std::ios::binary);
    if (!file)
        throw std::runtime_error("no golden body: " + name);
    return {std::istreambuf_iterator<char>(file), {}};
}

/// As answers are parsed: some recordings have lone surrogates.
inline boost::json::value parse_body(std::string_view body)
{
    return core::json_parser(limits{}).parse(body, {}).value();
}

/// Decode, encode, decode: the second value is the first.
template <class T>
void expect_round_trip(const boost::json::value& parsed, const std::string& name)
{
    const auto once = from_json<T>(parsed);
    ASSERT_TRUE(once) << name << ": " << once.error().message;
    const auto written = to_json(*once);
    const auto twice = from_json<T>(written);
    ASSERT_TRUE(twice) << name << ": " << twice.error().message;
    EXPECT_EQ(to_json(*twice), written) << name;
}

/// Every scalar of `part` that is not null is found again in `whole`, under the same members.
inline void expect_contained(const boost::json::value& part, const boost::json::value& whole,
                             const std::string& where)
{
    if (const auto* object = part.if_object())
    {
        for (const auto& member : *object)
        {
            const auto* found =
                whole.is_object() ? whole.get_object().if_contains(member.key()) : nullptr;
            const bool empty = member.value().is_null() || member.value() == "" ||
                               (member.value().is_array() && member.value().get_array().empty());
            if (found != nullptr)
                expect_contained(member.value(), *found, where + '.' + std::string(member.key()));
            else
                EXPECT_TRUE(empty) << where << '.' << member.key();
        }
    }
    else if (const auto* array = part.if_array())
    {
        ASSERT_TRUE(whole.is_array() && whole.get_array().size() == array->size()) << where;
        for (std::size_t i = 0; i < array->size(); ++i)
            expect_contained((*array)[i], whole.get_array()[i], where + "[]");
    }
    else if (part.is_number())
    {
        ASSERT_TRUE(whole.is_number()) << where;
        EXPECT_EQ(part.to_number<double>(), whole.to_number<double>()) << where;
    }
    else
    {
        EXPECT_EQ(part, whole) << where;
    }
}

template <class T>
void expect_nothing_lost(std::string_view body, const std::string& name)
{
    const auto parsed = parse_body(body);
    expect_contained(parsed, to_json(from_json<T>(parsed).value()), name);
    expect_round_trip<T>(parsed, name);
}

/// Whether `text` has that part.
inline bool has_part(std::string_view text, std::string_view part)
{
    return text.find(part) != std::string_view::npos;
}

}  // namespace regolo::test
