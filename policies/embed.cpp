// Build-time tool: embed NAMESPACE OUTPUT NAME=FILE…  writes a C++ source with the bytes of each
// FILE as `extern const std::string_view embedded_NAME` in NAMESPACE. It stands in for #embed.

#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>

int main(int argc, char** argv) {
  if (argc < 4) return std::fputs("usage: embed NAMESPACE OUTPUT NAME=FILE...\n", stderr), 2;
  const std::string name_space = argv[1];
  std::string text = "#include <string_view>\n\nnamespace " + name_space + " {\n";
  for (int i = 3; i < argc; ++i) {
    const char* equals = std::strchr(argv[i], '=');
    if (equals == nullptr) return std::fprintf(stderr, "embed: no '=' in %s\n", argv[i]), 2;
    std::string name(argv[i], static_cast<size_t>(equals - argv[i]));
    std::ifstream file(equals + 1, std::ios::binary);
    if (!file) return std::fprintf(stderr, "embed: cannot read %s\n", equals + 1), 1;
    std::string bytes{std::istreambuf_iterator<char>(file), {}};
    text += "static const unsigned char bytes_" + name + "[] = {";
    for (size_t k = 0; k < bytes.size(); ++k) {
      if (k % 24 == 0) text += "\n  ";
      text += std::to_string(static_cast<unsigned char>(bytes[k])) + ",";
    }
    text += "\n  0};\nextern const std::string_view embedded_" + name + ";\n";
    text += "const std::string_view embedded_" + name + "(reinterpret_cast<const char*>(bytes_" +
            name + "), " + std::to_string(bytes.size()) + ");\n";
  }
  text += "}  // namespace " + name_space + "\n";
  std::ofstream out(argv[2], std::ios::binary);
  out << text;
  return out.flush() ? 0 : 1;
}
