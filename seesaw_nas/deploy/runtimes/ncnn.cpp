// Classifies a picture with the network beside this file, in ncnn: example picture.ppm
//
// The picture is a binary @KIND@ of @SIZE@x@SIZE@ pixels, which most tools for pictures write.
// Build it with ncnn's headers and library:
//   g++ -std=c++17 -O2 example.cpp -I NCNN/include/ncnn -L NCNN/lib -lncnn -fopenmp -o example

#include <algorithm>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

#include "net.h"

int main(int argc, char** argv) {
    const int size = @SIZE@, channels = @CHANNELS@;
    const float mean[] = {@MEAN@}, scale[] = {@SCALE@};  // of pixels from 0 to 255

    std::ifstream file(argc > 1 ? argv[1] : "", std::ios::binary);
    std::string magic;
    int width = 0, height = 0, most = 0;
    file >> magic >> width >> height >> most;
    file.get();
    std::vector<unsigned char> pixels(size * size * channels);
    const bool fits = magic == "@MAGIC@" && width == size && height == size && most == 255;
    if (!fits || !file.read(reinterpret_cast<char*>(pixels.data()), pixels.size())) {
        std::cerr << "a binary @KIND@ of @SIZE@x@SIZE@ pixels is wanted: example picture.ppm\n";
        return 2;
    }

    ncnn::Net network;
    network.opt.use_fp16_packed = network.opt.use_fp16_storage = network.opt.use_fp16_arithmetic = false;
    network.opt.use_bf16_packed = network.opt.use_bf16_storage = false;  // ncnn uses 16 bits by itself
    if (network.load_param("model.ncnn.param") || network.load_model("model.ncnn.bin")) return 1;

    ncnn::Mat images = ncnn::Mat::from_pixels(pixels.data(), ncnn::Mat::@PIXELS@, size, size), logits;
    images.substract_mean_normalize(mean, scale);
    ncnn::Extractor extractor = network.create_extractor();
    extractor.input("in0", images);
    if (extractor.extract("out0", logits)) return 1;

    std::vector<std::string> labels;
    std::ifstream names("labels.txt");
    for (std::string line; std::getline(names, line);) labels.push_back(line);
    const float* values = logits;
    std::cout << labels.at(std::max_element(values, values + logits.w) - values) << "\n";
}
