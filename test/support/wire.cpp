#include "support/wire.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace regolo::test {

namespace {

namespace fs = std::filesystem;

fs::path data_directory() { return REGOLO_TEST_DATA; }

std::string read_file(const fs::path& path)
{
    std::ifstream file(path, std::ios::binary);
    if (!file)
        throw std::runtime_error("cannot read " + path.string());
    return {std::istreambuf_iterator<char>(file), {}};
}

/// Reads "# METHOD TARGET" and "# body: ..." lines.
void read_request(const std::string& text, recording& into)
{
    static constexpr std::string_view body_mark = "# body: ";
    const auto first_line = text.substr(0, text.find('\n'));
    const auto space = first_line.find(' ', 2);
    if (first_line.compare(0, 2, "# ") != 0 || space == std::string::npos)
        throw std::runtime_error("no request line in the recording " + into.name);
    into.method = first_line.substr(2, space - 2);
    into.target = first_line.substr(space + 1);
    if (const auto body = text.find(body_mark); body != std::string::npos)
    {
        into.body = text.substr(body + body_mark.size());
        while (!into.body.empty() && into.body.back() == '\n')
            into.body.pop_back();
    }
}

}  // namespace

std::string read_data(const std::string& path) { return read_file(data_directory() / path); }

recording read_recording(const std::string& name)
{
    recording read;
    read.name = name;
    const auto base = data_directory() / "wire" / name;
    read.answer = read_file(fs::path(base).concat(".txt"));
    const auto request = fs::path(base).concat(".req");
    if (fs::exists(request))
        read_request(read_file(request), read);
    return read;
}

std::vector<recording> read_recordings(const std::string& server)
{
    const auto root = data_directory() / "wire";
    std::vector<std::string> names;
    for (const auto& entry :
         fs::recursive_directory_iterator(server.empty() ? root : root / server))
    {
        if (entry.path().extension() == ".txt")
            names.push_back(fs::relative(entry.path(), root).replace_extension().generic_string());
    }
    std::sort(names.begin(), names.end());
    std::vector<recording> all;
    std::transform(names.begin(), names.end(), std::back_inserter(all), read_recording);
    return all;
}

pieces cut(std::string_view bytes, std::span<const std::size_t> offsets)
{
    pieces result;
    std::size_t begin = 0;
    for (const auto offset : offsets)
    {
        const auto end = std::min(offset, bytes.size());
        if (end > begin)
        {
            result.push_back(bytes.substr(begin, end - begin));
            begin = end;
        }
    }
    if (begin < bytes.size() || result.empty())
        result.push_back(bytes.substr(begin));
    return result;
}

pieces cut_evenly(std::string_view bytes, std::size_t size)
{
    pieces result;
    for (std::size_t begin = 0; begin < bytes.size(); begin += size)
        result.push_back(bytes.substr(begin, size));
    return result;
}

void for_each_split(std::string_view bytes, const std::function<void(const pieces&)>& check,
                    std::size_t most_pairs)
{
    check({bytes});
    check(cut_evenly(bytes, 1));
    const auto size = bytes.size();
    if (size < 2)
        return;
    for (std::size_t i = 1; i != size; ++i)
        check(cut(bytes, std::vector{i}));
    const auto pairs = (size - 1) * (size - 2) / 2;
    const auto stride = most_pairs == 0 ? pairs + 1 : pairs / most_pairs + 1;
    std::size_t number = 0;
    for (std::size_t i = 1; i + 1 < size; ++i)
    {
        for (std::size_t j = i + 1; j != size; ++j)
        {
            if (number++ % stride == 0)
                check(cut(bytes, std::vector{i, j}));
        }
    }
}

}  // namespace regolo::test
