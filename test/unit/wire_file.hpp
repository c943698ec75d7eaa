#pragma once

#include "core/http_message.hpp"

#include <charconv>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace regolo::test {

/// A recorded response, its body without the chunked coding.
struct recording
{
    std::string name;
    core::response_head head;
    std::string body;
};

inline std::string dechunk(std::string_view coded)
{
    std::string body;
    while (!coded.empty())
    {
        std::size_t size = 0;
        std::from_chars(coded.data(), coded.data() + coded.size(), size, 16);
        const std::size_t start = coded.find("\r\n");
        if (size == 0 || start == std::string_view::npos)
        {
            break;
        }
        coded.remove_prefix(start + 2);
        body += coded.substr(0, size);
        coded.remove_prefix(std::min(size + 2, coded.size()));
    }
    return body;
}

inline recording read_recording(const std::filesystem::path& path)
{
    std::ifstream file(path, std::ios::binary);
    const std::string all{std::istreambuf_iterator<char>(file), {}};
    const std::size_t end = all.find("\r\n\r\n");
    if (!file || end == std::string::npos)
    {
        throw std::runtime_error("not a recorded response: " + path.string());
    }
    recording out;
    out.name = (path.parent_path().filename() / path.filename()).string();
    std::string_view head = std::string_view(all).substr(0, end + 2);
    const auto next_line = [&] {
        const std::size_t size = head.find("\r\n");
        const std::string_view line = head.substr(0, size);
        head.remove_prefix(size + 2);
        return line;
    };
    const std::string_view status = next_line();
    std::from_chars(status.data() + 9, status.data() + status.size(), out.head.status);
    while (!head.empty())
    {
        const std::string_view line = next_line();
        const std::size_t colon = line.find(':');
        const std::size_t value = line.find_first_not_of(' ', colon + 1);
        out.head.headers.emplace_back(line.substr(0, colon), value == std::string_view::npos
                                                                 ? std::string_view()
                                                                 : line.substr(value));
    }
    const std::string_view body = std::string_view(all).substr(end + 4);
    const auto coding = find_header(out.head.headers, "transfer-encoding");
    out.body = coding && *coding == "chunked" ? dechunk(body) : std::string(body);
    return out;
}

/// All responses under `data/wire`, as far as they are HTTP/1.
inline std::vector<recording> all_recordings()
{
    std::vector<recording> out;
    const std::filesystem::path root = std::string(REGOLO_TEST_DATA) + "/wire";
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root))
    {
        const std::string name = entry.path().filename().string();
        if (entry.path().extension() == ".txt" && name.find("http2") == std::string::npos &&
            name.find("gzip") == std::string::npos)
        {
            out.push_back(read_recording(entry.path()));
        }
    }
    return out;
}

inline recording one_recording(std::string_view name)
{
    return read_recording(std::string(REGOLO_TEST_DATA) + "/wire/" + std::string(name));
}

}  // namespace regolo::test
