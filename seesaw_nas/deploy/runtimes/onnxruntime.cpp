// Classifies a picture with the network beside this file, in ONNX Runtime: example picture.ppm
//
// The picture is a binary @KIND@ of @SIZE@x@SIZE@ pixels, which most tools for pictures write.
// Build it with ONNX Runtime's headers and library:
//   g++ -std=c++17 -O2 example.cpp -I ONNXRUNTIME/include -L ONNXRUNTIME/lib -lonnxruntime -o example

#include <algorithm>
#include <array>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

#include "onnxruntime_cxx_api.h"

int main(int argc, char** argv) {
    const int size = @SIZE@, channels = @CHANNELS@, area = size * size;
    const float mean[] = {@MEAN@}, scale[] = {@SCALE@};  // of pixels from 0 to 255

    std::ifstream file(argc > 1 ? argv[1] : "", std::ios::binary);
    std::string magic;
    int width = 0, height = 0, most = 0;
    file >> magic >> width >> height >> most;
    file.get();
    std::vector<unsigned char> pixels(area * channels);
    const bool fits = magic == "@MAGIC@" && width == size && height == size && most == 255;
    if (!fits || !file.read(reinterpret_cast<char*>(pixels.data()), pixels.size())) {
        std::cerr << "a binary @KIND@ of @SIZE@x@SIZE@ pixels is wanted: example picture.ppm\n";
        return 2;
    }
    std::vector<float> planes(area * channels);
    for (int i = 0; i < area * channels; ++i) {
        const int channel = i / area;
        planes[i] = (pixels[i % area * channels + channel] - mean[channel]) * scale[channel];
    }

    Ort::Env env;
    Ort::SessionOptions options;
    Ort::Session session(env, "model.onnx", options);
    const std::array<int64_t, 4> shape{1, channels, size, size};
    const auto memory = Ort::MemoryInfo::CreateCpu(OrtArenaAllocator, OrtMemTypeDefault);
    const Ort::Value images =
        Ort::Value::CreateTensor<float>(memory, planes.data(), planes.size(), shape.data(), shape.size());
    const char *inputs[] = {"images"}, *outputs[] = {"logits"};
    const auto found = session.Run(Ort::RunOptions{nullptr}, inputs, &images, 1, outputs, 1);

    std::vector<std::string> labels;
    std::ifstream names("labels.txt");
    for (std::string line; std::getline(names, line);) labels.push_back(line);
    const float* values = found[0].GetTensorData<float>();
    std::cout << labels.at(std::max_element(values, values + labels.size()) - values) << "\n";
}
