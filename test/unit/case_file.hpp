#pragma once

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>

#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace regolo::test {

/// The cases of `data/cases/<name>`: one JSON object a line.
inline std::vector<boost::json::object> load_cases(std::string_view name)
{
    const std::string path = std::string(REGOLO_TEST_DATA) + "/cases/" + std::string(name);
    std::ifstream file(path);
    if (!file)
    {
        throw std::runtime_error("cannot read " + path);
    }
    std::vector<boost::json::object> cases;
    for (std::string line; std::getline(file, line);)
    {
        cases.push_back(boost::json::parse(line).as_object());
    }
    return cases;
}

/// A string member; empty where it is absent.
inline std::string text_of(const boost::json::object& from, std::string_view member)
{
    const boost::json::value* found = from.if_contains(member);
    return found != nullptr && found->is_string() ? std::string(found->get_string())
                                                  : std::string();
}

}  // namespace regolo::test
